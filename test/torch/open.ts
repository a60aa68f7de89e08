/** The torch engine over the oracle's Python, on the processor. */
import { createTorchEngine, type TorchEngineOptions } from '../../src/engine/torch/index.ts';
import type { OpenEngine } from '../engine/conformance.ts';
import { oraclePython } from '../parity/environment.ts';

export const openTorch =
  (settings: TorchEngineOptions['settings'] = {}): OpenEngine =>
  async (model) =>
    createTorchEngine(model, {
      python: await oraclePython(),
      threads: 1,
      settings: { device: 'cpu', ...settings },
    });
