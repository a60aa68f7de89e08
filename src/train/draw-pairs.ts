/** A policy's own answers, drawn two to a prompt: scored as the two responses of a pair, they share it. */
import type { Engine } from '../engine/engine.ts';
import type { Adapter } from '../model/adapter.ts';
import { type ProgressFactory, silentProgress } from '../support/progress.ts';
import type { EncodedRow } from '../text/encoded-row.ts';

const DRAWN = 2;

export interface DrawPairsOptions {
  readonly engine: Engine;
  readonly endTokens: readonly number[];
  readonly maxNewTokens: number;
  /** With the prompts' keys it decides what is drawn. */
  readonly seed: number;
  readonly keys: readonly string[];
  readonly label: string;
  readonly progress?: ProgressFactory | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** In the prompts' order; `chosen` and `rejected` are just the first answer and the second. */
export async function drawPairs(
  prompts: readonly Int32Array[],
  adapter: Adapter,
  { engine, endTokens, maxNewTokens, seed, keys, label, progress = silentProgress, signal }: DrawPairsOptions,
): Promise<EncodedRow[]> {
  const bar = progress({
    label: `${label}, answers of at most ${maxNewTokens} tokens`,
    total: DRAWN * prompts.length * maxNewTokens,
    unit: 'tokens',
  });
  try {
    const answers = await engine.generate(prompts, adapter, {
      maxNewTokens,
      stopTokens: endTokens,
      temperature: 1,
      samples: DRAWN,
      seed,
      keys,
      onProgress: (tokens) => bar.advance(tokens),
      ...(signal ? { signal } : {}),
    });
    const tokens = (row: number, sample: number) => answers[DRAWN * row + sample]!.tokens;
    return prompts.map((prompt, row) => ({ prompt, chosen: tokens(row, 0), rejected: tokens(row, 1) }));
  } finally {
    bar.stop();
  }
}
