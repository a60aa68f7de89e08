import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { describeGeneration } from './generation-conformance.ts';

describeGeneration('ort', (model) => createOrtEngine(model, { threads: 1 }));
