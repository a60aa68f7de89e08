/** A generation that stays open while requests come and go, with the session lent to it until it is closed. */
import type { OpenGenerateOptions, OpenGeneration } from '../engine.ts';
import { closedGeneration, OpenCalls } from '../open-generation.ts';
import type { AnswerRequest } from './answer.ts';
import { generateAnswers } from './generate.ts';
import type { Generation } from './generation.ts';

export interface OpenGenerationParts<Past, Outputs> {
  /** Aborted when the engine closes. */
  readonly closing: AbortSignal;
  /** Lends a generation until the work is done. */
  readonly lend: (work: (generation: Generation<Past, Outputs>) => Promise<void>) => Promise<void>;
  /** @throws {UserError} for what cannot be answered */
  readonly plan: (prompts: readonly Int32Array[], options: OpenGenerateOptions) => readonly AnswerRequest[];
}

export function openGeneration<Past, Outputs>({
  closing,
  lend,
  plan,
}: OpenGenerationParts<Past, Outputs>): OpenGeneration {
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
    lent = lend(async (made) => {
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
      calls.run(options.signal, async (signals) =>
        generateAnswers(plan(prompts, options), await generation, signals),
      ),
    async close() {
      closing.removeEventListener('abort', endWithEngine);
      end(closedGeneration());
      await lent.catch(() => {});
    },
  };
}
