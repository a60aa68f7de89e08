/** Open generations of engines that have none of their own: every call is a batch of its own. */
import { expect, it } from 'vitest';
import type { Generated, GenerateOptions } from '../../src/engine/engine.ts';
import { openByCalls } from '../../src/engine/open-generation.ts';

/** Says one token when told to, and stops when its signal says so. */
function engine() {
  const asked: { options: GenerateOptions; answer: () => void }[] = [];
  const generate = (_: unknown, __: unknown, options: GenerateOptions) =>
    new Promise<readonly Generated[]>((resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error));
      const answer = () => resolve([{ tokens: Int32Array.of(1), finishReason: 'stop' }]);
      asked.push({ options, answer });
    });
  return { asked, open: openByCalls({ generate }, null, { batchSize: 3 }) };
}

const prompts = [Int32Array.of(5)];
const options = { maxNewTokens: 4, stopTokens: [7], temperature: 0.5 };

it('calls have their settings and the batch size, and end one by one', async () => {
  const { asked, open } = engine();
  const [abort, reason] = [new AbortController(), new Error('left')];
  const [first, second] = [
    open.generate(prompts, { ...options, signal: abort.signal }),
    open.generate(prompts, options),
  ];
  expect(asked[1]!.options).toMatchObject({ ...options, batchSize: 3 });
  abort.abort(reason);
  await expect(first).rejects.toBe(reason);
  asked[1]!.answer();
  expect(await second).toHaveLength(1);
  await open.close();
});

it('closing gives up what is in work, and takes nothing more', async () => {
  const { open, asked } = engine();
  const cut = open.generate(prompts, options);
  const refused = expect(cut).rejects.toThrow('the generation was closed');
  await open.close();
  await refused;
  await expect(open.generate(prompts, options)).rejects.toThrow('the generation was closed');
  expect(asked).toHaveLength(1);
  expect(() => openByCalls({ generate: async () => [] }, null, { batchSize: 0 })).toThrow('batch-size');
});
