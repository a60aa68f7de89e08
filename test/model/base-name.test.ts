import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { otherBase } from '../../src/model/base-name.ts';

const doubt = (baseModel: string | null, base: string) =>
  otherBase({ settings: { rank: 1, alpha: 1, targets: [] }, tensors: new Map(), baseModel }, 'a', base);

it.each([
  [null, 'owner/name'],
  ['owner/name', 'owner/name@v2'],
  ['HuggingFaceTB/SmolLM2-135M-Instruct', 'smollm2-135m-instruct'],
  ['smollm2-135m-instruct', 'HuggingFaceTB/SmolLM2-135M-Instruct'],
  ['models/tiny', resolve('models/tiny')],
  [join('models', '..', 'tiny'), './tiny/'],
])('finds nothing to say about an adapter of %s on %s', (baseModel, base) => {
  expect(doubt(baseModel, base)).toBeNull();
});

it.each([
  ['owner/name', 'owner/other'],
  ['owner/name', '/models/name'],
  ['smollm2-135m-instruct', 'tiny'],
])('warns of an adapter of %s on %s, naming both', (baseModel, base) => {
  expect(doubt(baseModel, base)).toMatch(`a names the base model ${baseModel}, and it is used on ${base}`);
});
