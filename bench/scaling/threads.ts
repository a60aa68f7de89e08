/** How much faster an effective batch is with two threads than with one, on one operation or on two micro-batches. */

import type { ScoringRequest } from '../scoring/request.ts';
import { type ChildReport, type Measured, measureNode } from '../shared/child.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import { type MeasuredPass, PASSES } from './lengths.ts';

const RUN = new URL('thread-run.ts', import.meta.url);

export interface ThreadRequest extends Pick<ScoringRequest, 'model' | 'rows' | 'threads'> {
  readonly lanes: number;
  readonly pass: MeasuredPass;
}

interface Setting {
  readonly name: string;
  readonly threads: number;
  readonly lanes: number;
}

const ONE: Setting = { name: '1 thread', threads: 1, lanes: 1 };
const OTHERS: readonly Setting[] = [
  { name: '2 threads', threads: 2, lanes: 1 },
  { name: '2 lanes of a thread', threads: 2, lanes: 2 },
];

/** Interleaved rounds; in tokens per second, a shared prompt twice. */
export async function measureThreads(
  model: string,
  rows: ThreadRequest['rows'],
  repeats: number,
): Promise<Comparison[]> {
  const tokens = rows.reduce(
    (sum, { prompt, chosen, rejected }) => sum + 2 * prompt.length + chosen.length + rejected.length,
    0,
  );
  const settings = [ONE, ...OTHERS];
  const comparisons: Comparison[] = [];
  for (const pass of PASSES) {
    const rates: number[][] = settings.map(() => []);
    for (let round = 1; round <= repeats; round++) {
      for (const [at, { name, threads, lanes }] of settings.entries()) {
        const request: ThreadRequest = { model, rows, threads, lanes, pass };
        const { seconds }: Measured<ChildReport> = await measureNode(RUN, request);
        rates[at]!.push(tokens / seconds);
        process.stderr.write(`${pass}, ${name}: ${(tokens / seconds).toFixed(0)} tokens/s\n`);
      }
    }
    for (const [at, { name }] of OTHERS.entries()) {
      comparisons.push(
        compare({
          ...{ name: `${pass}: ${name}`, against: ONE.name, unit: 'tokens/s', better: 'more' },
          ...{ ours: rates[at + 1]!, peer: rates[0]! },
        }),
      );
    }
  }
  return comparisons;
}
