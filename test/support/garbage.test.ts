import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { collectGarbage } from '../../src/support/garbage.ts';

it('collects what nothing refers to, at once', async () => {
  const kept = { numbers: [1, 2, 3] };
  const references = [() => ({ numbers: new Array(1000).fill(1) }), () => kept].map(
    (make) => new WeakRef<object>(make()),
  );
  // What a weak reference was made of stays for the turn.
  await setTimeout(1);
  collectGarbage();
  expect(references.map((one) => one.deref())).toEqual([undefined, kept]);
});
