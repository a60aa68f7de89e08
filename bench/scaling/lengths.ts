/** What a token costs by the length of its pair, attention apart, as the runtime's profiler has it. */
import { join } from 'node:path';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { readProfileFiles } from '../../src/engine/ort/profile/files.ts';
import { secondsOfPart, summariseProfile } from '../../src/engine/ort/profile/summary.ts';
import { initialiseAdapter, linearModules, openModel, Random } from '../../src/index.ts';
import { createObjective } from '../../src/objective/index.ts';
import { makeFolder } from '../../src/support/atomic-file.ts';
import { withScratchFolder } from '../shared/scratch.ts';

export interface TokenCost {
  /** Of a pair in all, the prompt once. */
  readonly tokens: number;
  /** Milliseconds a token. */
  readonly attention: number;
  readonly rest: number;
}

export const PASSES = ['gradients', 'score'] as const;
export type MeasuredPass = (typeof PASSES)[number];

/** So that a short pair is measured over about as many tokens as a long one, within reason. */
const TOKENS_MEASURED = 1024;
const MOST_STEPS = 8;

/** @param base as `openModel` takes it */
export async function measureLengths(
  base: string,
  lengths: readonly number[],
  threads: number,
): Promise<Record<MeasuredPass, readonly TokenCost[]>> {
  const costs: Record<MeasuredPass, TokenCost[]> = { gradients: [], score: [] };
  for (const tokens of lengths) {
    for (const pass of PASSES) {
      const cost = await measureLength(base, pass, tokens, threads);
      process.stderr.write(
        `${pass} of ${tokens} tokens: ${(cost.attention + cost.rest).toFixed(2)} ms a token, ` +
          `${cost.attention.toFixed(2)} of it attention\n`,
      );
      costs[pass].push(cost);
    }
  }
  return costs;
}

function measureLength(
  base: string,
  pass: MeasuredPass,
  tokens: number,
  threads: number,
): Promise<TokenCost> {
  return withScratchFolder(async (scratch) => {
    const profileFolder = join(scratch, 'profile');
    await makeFolder(profileFolder);
    const model = await openModel(base);
    // The same work at every length: longer batches would have whole layers computed again.
    const engine = await createOrtEngine(model, { threads, recompute: 'activations', profileFolder });
    const random = Random.fromSeed(tokens);
    const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
    const adapter = initialiseAdapter(settings, linearModules(model.config), random);
    const ids = (count: number) =>
      Int32Array.from({ length: count }, () => random.integer(model.config.vocabularySize));
    const response = Math.floor(tokens / 4);
    const rows = [{ prompt: ids(tokens - 2 * response), chosen: ids(response), rejected: ids(response) }];
    const objective = createObjective({ name: 'dpo' });
    const constants = { reference_chosen: Float64Array.of(-1), reference_rejected: Float64Array.of(-1) };
    const steps = 1 + Math.min(MOST_STEPS, Math.max(1, Math.round(TOKENS_MEASURED / tokens)));
    for (let step = 0; step < steps; step++) {
      if (pass === 'score') await engine.score(rows, adapter);
      else await engine.gradients({ rows, adapter, objective, constants });
    }
    await engine.close();
    const files = await readProfileFiles(profileFolder);
    const profile = summariseProfile(files, { purpose: pass, steps, warmups: 1 });
    const attention = secondsOfPart(profile, 'self_attn.attention') + secondsOfPart(profile, 'masks');
    const milliseconds = (seconds: number) => (1000 * seconds) / tokens;
    return {
      tokens,
      attention: milliseconds(attention),
      rest: milliseconds(profile.seconds - attention),
    };
  });
}
