/** The embedded engine satisfies what every engine must, whatever its settings. */
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { describeEngine, type OpenEngine } from './conformance.ts';
import { describeSoftPrompts } from './soft-prompt-conformance.ts';

type Options = NonNullable<Parameters<typeof createOrtEngine>[1]>;

const open =
  (options: Options): OpenEngine =>
  (model) =>
    createOrtEngine(model, options);

const variants = {
  'one pair at a time, on all threads': open({ pairsPerBatch: 1, threads: 0 }),
  'several pairs at a time, sessions shared': open({ pairsPerBatch: 3, sharedSessions: true }),
  'in three lanes, sessions shared': open({
    threads: 3,
    lanes: 3,
    pairsPerBatch: 2,
    microBatchTokens: 24,
    sharedSessions: true,
  }),
  'as many pairs as fit few tokens, on one thread': open({
    pairsPerBatch: 8,
    microBatchTokens: 64,
    threads: 1,
  }),
  'several pairs with layers recomputed': open({ pairsPerBatch: 3, recompute: 'layers' }),
  'gates recomputed': open({ recompute: 'gates' }),
  'activations recomputed': open({ recompute: 'activations' }),
  'layers recomputed': open({ recompute: 'layers' }),
};

describeEngine('ort', open({}), variants);
describeSoftPrompts('ort', open({ threads: 1 }), variants);
