/** A generation that stays open while requests come and go, with the session lent to it until it is closed. */
import type { Adapter } from '../../model/adapter.ts';
import type { DecoderConfig } from '../../model/config.ts';
import type { GenerateOptions, OpenGeneration } from '../engine.ts';
import { checkRanges } from '../generation-ranges.ts';
import { closedGeneration, OpenCalls } from '../open-generation.ts';
import { checkSoftTokens } from '../soft-tokens.ts';
import { DEFAULT_BATCH, generateAnswers, planAnswers } from './generate.ts';
import type { Generation } from './generation.ts';

/** What an engine brings. */
export interface OpenGenerationParts<Past, Outputs> {
  readonly config: DecoderConfig;
  /** Aborted when the engine closes. */
  readonly closing: AbortSignal;
  /** Lends a generation under the policy, with so many slots, until the work is done. */
  readonly lend: (
    adapter: Adapter | null,
    slots: number,
    work: (generation: Generation<Past, Outputs>) => Promise<void>,
  ) => Promise<void>;
}

/** As `Engine.openGeneration`. */
export function openGeneration<Past, Outputs>(
  adapter: Adapter | null,
  { batchSize = DEFAULT_BATCH }: Pick<GenerateOptions, 'batchSize'>,
  { config, closing, lend }: OpenGenerationParts<Past, Outputs>,
): OpenGeneration {
  checkRanges({ batchSize });
  const calls = new OpenCalls();
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const end = (reason: Error) => {
    calls.end(reason);
    release();
  };
  const endWithEngine = () => end(closing.reason as Error);
  closing.addEventListener('abort', endWithEngine, { once: true });

  let lent!: Promise<void>;
  const generation = new Promise<Generation<Past, Outputs>>((resolve, reject) => {
    lent = lend(adapter, batchSize, async (made) => {
      resolve(made);
      await released;
      // A run under way still needs the session.
      await calls.settled();
    });
    lent.catch(reject);
  });
  // Whoever generates is told.
  generation.catch(() => {});

  return {
    generate: (prompts, options) =>
      calls.run(options.signal, async (signals) => {
        checkSoftTokens(prompts, adapter, config.vocabularySize);
        const { answers } = planAnswers(prompts, config, options);
        return generateAnswers(answers, await generation, signals);
      }),
    async close() {
      closing.removeEventListener('abort', endWithEngine);
      end(closedGeneration());
      await lent.catch(() => {});
    },
  };
}
