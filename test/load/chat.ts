/** Chat under many clients at once: whether all are answered, alike, and with how much memory. */
import { readFileSync } from 'node:fs';
import { spawnService } from './service-process.ts';

export interface ChatFigures {
  readonly clients: number;
  readonly answered: number;
  readonly failed: number;
  readonly perSecond: number;
  /** Milliseconds of an answer. */
  readonly p50: number;
  readonly p99: number;
  /** Answers of the client that got the fewest, and the most. */
  readonly fewest: number;
  readonly most: number;
  /** Megabytes of the process after a quarter of the time, and at the end. */
  readonly memoryEarly: number;
  readonly memoryLate: number;
}

interface ChatLoad {
  readonly model: string;
  readonly clients: number;
  readonly seconds: number;
  readonly maxTokens: number;
  readonly store: string;
}

export async function measureChat({
  model,
  clients,
  seconds,
  maxTokens,
  store,
}: ChatLoad): Promise<ChatFigures> {
  const service = await spawnService(['--model', model, '--store', store, '--queue', String(2 * clients)]);
  try {
    const end = performance.now() + 1000 * seconds;
    const times: number[] = [];
    let failed = 0;
    const client = async (number: number) => {
      let answered = 0;
      for (let request = 0; performance.now() < end; request++) {
        const start = performance.now();
        const response = await fetch(`${service.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            ...{ model, max_tokens: maxTokens, seed: request },
            messages: [{ role: 'user', content: `Client ${number} asks: when do you open?` }],
          }),
        });
        const { choices } = (await response.json()) as { choices?: unknown[] };
        if (response.status === 200 && choices?.length === 1) answered++;
        else failed++;
        times.push(performance.now() - start);
      }
      return answered;
    };
    const all = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    await new Promise((resolve) => setTimeout(resolve, 250 * seconds));
    const memoryEarly = residentMegabytes(service.pid);
    const counts = await all;
    const answered = counts.reduce((sum, count) => sum + count, 0);
    times.sort((a, b) => a - b);
    const quantile = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
    return {
      ...{ clients, answered, failed, perSecond: answered / seconds },
      ...{ p50: quantile(0.5), p99: quantile(0.99) },
      ...{ fewest: Math.min(...counts), most: Math.max(...counts) },
      ...{ memoryEarly, memoryLate: residentMegabytes(service.pid) },
    };
  } finally {
    await service.stop();
  }
}

/** From Linux's /proc; 0 elsewhere. */
function residentMegabytes(pid: number): number {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) / 1024;
  } catch {
    return 0;
  }
}
