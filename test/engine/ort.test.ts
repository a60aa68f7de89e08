/** The embedded engine satisfies what every engine must, whatever its settings. */
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { describeEngine, type OpenEngine } from './conformance.ts';

type Options = NonNullable<Parameters<typeof createOrtEngine>[1]>;

const open =
  (options: Options): OpenEngine =>
  (model) =>
    createOrtEngine(model, options);

describeEngine('ort', open({}), {
  'one row at a time': open({ microBatchTokens: 1 }),
  'small micro-batches on one thread': open({ microBatchTokens: 24, threads: 1 }),
  'attention recomputed': open({ recompute: 'attention' }),
  'layers recomputed': open({ recompute: 'layers' }),
});
