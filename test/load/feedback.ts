/** Feedback under load: how fast it is acknowledged, and whether all of that is there after a kill in the middle. */
import autocannon from 'autocannon';
import { openStore, type StoreLocation } from '../../src/service/store/open.ts';
import { type ServiceProcess, spawnService } from './service-process.ts';

export interface FeedbackLoad {
  readonly location: StoreLocation;
  readonly seconds: number;
  /** Requests a second that are sent, whether or not earlier ones are answered. */
  readonly rate: number;
  readonly connections: number;
}

export interface FeedbackFigures {
  readonly acknowledged: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly failed: number;
  /** Acknowledged, but not in the database. */
  readonly lost: number;
}

const argsOf = (location: StoreLocation) => [
  // No model is needed: nobody asks for an answer.
  ...['--upstream', 'http://127.0.0.1:9/v1', '--feedback-per-person', '0'],
  ...['--feedback-per-source', '0'],
  ...(location.kind === 'sqlite' ? ['--store', location.file] : []),
];
export const spawnFeedbackService = (location: StoreLocation): Promise<ServiceProcess> =>
  spawnService(argsOf(location), location.kind === 'postgres' ? location.url : undefined);

interface Watched {
  /** Told of every acknowledgement, with how many there have been. */
  readonly onAcknowledged?: (count: number) => void;
  /** Connections that may fail before the load ends. */
  readonly failures?: number;
}

/** Ids of what was acknowledged, and figures of the run. */
async function load(
  url: string,
  { seconds, rate, connections }: Omit<FeedbackLoad, 'location'>,
  { onAcknowledged, failures }: Watched = {},
) {
  const acknowledged = new Set<string>();
  let sent = 0;
  const result = await autocannon({
    url: `${url}/v1/feedback`,
    ...{ method: 'POST', duration: seconds, overallRate: rate, connections, timeout: 10 },
    headers: { 'content-type': 'application/json' },
    // How often it is looked whether the load has ended, too.
    sampleInt: 100,
    ...(failures === undefined ? {} : { bailout: failures }),
    setupClient(client) {
      client.setBody(bodyOf(sent++));
      client.on('body', (body) => {
        const { id } = JSON.parse(body.toString()) as { id?: string };
        if (id !== undefined) {
          acknowledged.add(id);
          onAcknowledged?.(acknowledged.size);
        }
        client.setBody(bodyOf(sent++));
      });
    },
  });
  return { acknowledged, result };
}

/** As long as a short exchange with a customer. */
function bodyOf(number: number): string {
  return JSON.stringify({
    prompt: `Question ${number}: my parcel has not come, and I have been waiting for a week. What can I do?`,
    chosen: `I am sorry to hear that. I look after parcel ${number} at once, and call you back today.`,
    rejected: 'Please wait.',
    person: `person ${number % 1000}`,
    tags: ['tone'],
  });
}

export async function measureFeedback({ location, ...rest }: FeedbackLoad): Promise<FeedbackFigures> {
  const service = await spawnFeedbackService(location);
  try {
    // What is compiled at the first requests is not what is measured.
    await load(service.url, { ...rest, seconds: 2 });
    const { acknowledged, result } = await load(service.url, rest);
    return {
      acknowledged: acknowledged.size,
      perSecond: acknowledged.size / result.duration,
      ...{ p50: result.latency.p50, p99: result.latency.p99, most: result.latency.max },
      failed: result.non2xx + result.errors + result.timeouts,
      lost: await countLost(location, acknowledged),
    };
  } finally {
    await service.stop();
  }
}

export interface KillFigures {
  readonly acknowledged: number;
  readonly lost: number;
}

export interface FeedbackKill extends FeedbackLoad {
  /** The process is killed when so many are acknowledged, or the seconds are over. */
  readonly after: number;
}

/** Kills the process in the middle of the load. */
export async function killFeedback({ location, after, ...rest }: FeedbackKill): Promise<KillFigures> {
  const service = await spawnFeedbackService(location);
  let killed: Promise<void> | null = null;
  const onAcknowledged = (count: number) => {
    if (count >= after) killed ??= service.kill();
  };
  const { acknowledged } = await load(service.url, rest, { onAcknowledged, failures: 1 });
  await (killed ?? service.kill());
  return { acknowledged: acknowledged.size, lost: await countLost(location, acknowledged) };
}

async function countLost(location: StoreLocation, acknowledged: ReadonlySet<string>): Promise<number> {
  const store = await openStore(location);
  try {
    const rows = await store.db.selectFrom('feedback').select('id').execute();
    const stored = new Set(rows.map(({ id }) => id));
    return [...acknowledged].filter((id) => !stored.has(id)).length;
  } finally {
    await store.close();
  }
}
