/** `npm run test:torch`: the torch engine satisfies what every engine must, on the models of the parity fixtures. */
import { beforeAll } from 'vitest';
import { createTorchEngine, type TorchEngineOptions } from '../../src/engine/torch/index.ts';
import { describeEngine, type OpenEngine } from '../engine/conformance.ts';
import { describeGeneration } from '../engine/generation-conformance.ts';
import { describeSoftPrompts } from '../engine/soft-prompt-conformance.ts';
import { oraclePython } from '../parity/environment.ts';

let python: string;
beforeAll(async () => {
  python = await oraclePython();
});

const open =
  (settings: TorchEngineOptions['settings'] = {}): OpenEngine =>
  (model) =>
    createTorchEngine(model, { python, threads: 1, settings: { device: 'cpu', ...settings } });

const variants = {
  'few tokens at a time': open({ micro_batch_tokens: 16 }),
  'layers recomputed': open({ gradient_checkpointing: true }),
};

describeEngine('torch', open(), variants);
describeSoftPrompts('torch', open(), variants);
describeGeneration('torch', open());
