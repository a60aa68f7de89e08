/** The embedded engine against recorded values of transformers, PEFT and torch autograd, on tiny models. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Engine, RowLogProbs } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { compareLogProbs, compareObjective, readExpected } from '../parity/comparison.ts';

const FIXTURES = new URL('../parity/fixtures/', import.meta.url);

describe.each(['untied-gqa', 'tied-llama3', 'biased'])('%s', (name) => {
  const { rows, adapters } = readExpected(new URL(`expected/${name}.json`, FIXTURES));
  const folder = fileURLToPath(new URL(`models/${name}`, FIXTURES));
  let engine: Engine;

  beforeAll(async () => {
    engine = await createOrtEngine(await openModelFolder(folder));
  });
  afterAll(() => engine?.close());

  describe.each(Object.entries(adapters))('adapter %s', (adapterName, expected) => {
    let adapter: Adapter;
    let reference: RowLogProbs;

    beforeAll(async () => {
      adapter = await readPeftAdapter(`${folder}/adapters/${adapterName}`);
      reference = await engine.score(rows, null);
    });

    it('has the log-probs of base and adapter', async () => {
      await compareLogProbs(engine, rows, adapter, expected);
    });

    // The files keep the gradients of all objectives for one adapter and of two for the others.
    const recorded = expected.objectives.filter(({ gradients }) => gradients !== undefined);

    it.each(recorded.map((objective) => [JSON.stringify(objective.settings), objective] as const))(
      'has loss and gradients of %s',
      async (_, objective) => {
        await compareObjective(engine, rows, adapter, reference, expected, objective);
      },
    );
  });
});
