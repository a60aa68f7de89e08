/** A generation that stays open while requests come and go, with the session lent to it until it is closed. */
import type { Generated, OpenGenerateOptions, OpenGeneration } from '../../engine.ts';
import type { AnswerRequest } from './answer.ts';
import { generateAnswers } from './generate.ts';
import type { Generation } from './generation.ts';

export interface OpenGenerationParts {
  /** Aborted when the engine closes. */
  readonly closing: AbortSignal;
  /** Lends a generation until the work is done. */
  readonly lend: (work: (generation: Generation) => Promise<void>) => Promise<void>;
  /** @throws {UserError} for what cannot be answered */
  readonly plan: (prompts: readonly Int32Array[], options: OpenGenerateOptions) => readonly AnswerRequest[];
}

export function openGeneration({ closing, lend, plan }: OpenGenerationParts): OpenGeneration {
  // One for each call in work: a signal of the whole life would gather a trace of every call.
  const calls = new Map<AbortController, Promise<unknown>>();
  let closed: Error | null = null;
  let release!: () => void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const end = (reason: Error) => {
    closed ??= reason;
    for (const call of calls.keys()) call.abort(closed);
    release();
  };
  const endWithEngine = () => end(closing.reason as Error);
  closing.addEventListener('abort', endWithEngine, { once: true });

  let lent!: Promise<void>;
  const generation = new Promise<Generation>((resolve, reject) => {
    lent = lend(async (made) => {
      resolve(made);
      await released;
      // A run under way still needs the session.
      await Promise.allSettled(calls.values());
    });
    lent.catch(reject);
  });
  generation.catch(() => {});

  const run = async (
    answers: readonly AnswerRequest[],
    call: AbortController,
    signal: AbortSignal | undefined,
  ): Promise<readonly Generated[]> => {
    const made = await generation;
    return generateAnswers(answers, made, signal ? [call.signal, signal] : [call.signal]);
  };

  return {
    async generate(prompts, options) {
      if (closed) throw closed;
      const answers = plan(prompts, options);
      const call = new AbortController();
      const result = run(answers, call, options.signal);
      calls.set(call, result);
      try {
        return await result;
      } finally {
        calls.delete(call);
      }
    },
    async close() {
      closing.removeEventListener('abort', endWithEngine);
      end(new Error('the generation was closed'));
      await lent.catch(() => {});
    },
  };
}
