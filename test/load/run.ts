/**
 * `npm run test:load`: the service's targets, on this machine, over loopback, and made-up requests by the thousand.
 * Exit code 1 where one is missed. `-- --seconds 10 --requests 1000` for less than the minute each, and the 10,000;
 * `-- --record` writes what was measured to bench/results/service-load.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { StoreLocation } from '../../src/service/store/open.ts';
import { fuzzService } from '../service/fuzz.ts';
import { noPostgres, startPostgres } from '../service/postgres.ts';
import { capacityPage } from './capacity.ts';
import { measureChat } from './chat.ts';
import { killFeedback, measureFeedback } from './feedback.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    requests: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now()) },
    record: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const RATE = { rate: 1200, connections: 32 };
/** Acknowledgements from one kill of the process to the next one's: the first comes after one of them. */
const KILL_STEP = 797;
const [LEAST_PER_SECOND, MOST_P99] = [1000, 50];

const CAPACITY = fileURLToPath(new URL('../../bench/results/service-load.md', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'lifealign-load-'));
const missing = noPostgres();
const postgres = missing === null ? startPostgres() : null;
if (missing !== null) say(`PostgreSQL is skipped: ${missing}`);
let failures = 0;
const [loadBefore = 0] = loadavg();
const measured: (readonly [string, object, boolean])[] = [];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function check(what: string, figures: object, held: boolean): void {
  const shown = Object.entries(figures).map(
    ([name, value]) => `${name} ${Number((value as number).toFixed(1))}`,
  );
  say(`${held ? 'held  ' : 'MISSED'} ${what}: ${shown.join(', ')}`);
  if (!held) failures++;
  measured.push([what, figures, held]);
}

try {
  const locations: StoreLocation[] = [{ kind: 'sqlite', file: join(folder, 'load.sqlite') }];
  if (postgres) locations.push({ kind: 'postgres', url: postgres.url });
  for (const location of locations) {
    const figures = await measureFeedback({ location, seconds, ...RATE });
    const fast = figures.perSecond >= LEAST_PER_SECOND && figures.p99 < MOST_P99;
    check(`feedback on ${location.kind}`, figures, fast && figures.failed === 0 && figures.lost === 0);
    for (let after = 1; after <= 5 * KILL_STEP; after += KILL_STEP) {
      const killed = await killFeedback({ location, seconds, after, ...RATE });
      check(`kill -9 on ${location.kind}`, killed, killed.acknowledged >= after && killed.lost === 0);
    }
  }
  const chat = await measureChat({
    ...{ model: 'tiny', clients: 64, seconds, maxTokens: 32, store: join(folder, 'chat.sqlite') },
  });
  const fair = chat.fewest > 0 && chat.most - chat.fewest <= Math.max(3, 0.2 * chat.most);
  const bounded = chat.memoryLate < 1.5 * chat.memoryEarly;
  check('chat of 64 clients', chat, chat.failed === 0 && fair && bounded);
  for (const location of locations) {
    const fuzzed = await fuzzService(Number(values.requests), Number(values.seed), location);
    for (const failure of fuzzed.failures) say(failure);
    const statuses = Object.fromEntries(
      Object.entries(fuzzed.statuses).map(([status, count]) => [`status ${status}`, count]),
    );
    check(
      `made-up requests on ${location.kind}, seed ${values.seed}`,
      statuses,
      fuzzed.failures.length === 0,
    );
  }
} finally {
  postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (values.record) {
  writeFileSync(CAPACITY, capacityPage({ measured, seconds, loadBefore }));
  say(`written: ${CAPACITY}`);
}
process.exitCode = failures > 0 ? 1 : 0;
