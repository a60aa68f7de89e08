/** Runs that start from one base ask it the same questions. */
import type { RunEnvironment } from './environment.ts';

type Answer = NonNullable<RunEnvironment['answer']>;

/** What the base answers is asked for once, for all runs that share the environment. */
export function answeringBaseOnce(answer: Answer): Answer {
  const known = new Map<string, Promise<readonly string[]>>();
  return (prompts, adapter, options) => {
    if (adapter) return answer(prompts, adapter, options);
    const key = JSON.stringify([options.maxNewTokens, prompts.map((prompt) => [...prompt])]);
    const answers = known.get(key) ?? answer(prompts, null, options);
    known.set(key, answers);
    // An interrupted or failed answer is none.
    answers.catch(() => known.delete(key));
    return answers;
  };
}
