/** `npm run test:torch`: the torch engine satisfies what every engine must, on the models of the parity fixtures. */
import { describeEngine } from '../engine/conformance.ts';
import { describeGeneration } from '../engine/generation-conformance.ts';
import { describeSoftPrompts } from '../engine/soft-prompt-conformance.ts';
import { openTorch } from './open.ts';

const variants = {
  'few tokens at a time': openTorch({ micro_batch_tokens: 16 }),
  'layers recomputed': openTorch({ gradient_checkpointing: true }),
};

describeEngine('torch', openTorch(), variants);
describeSoftPrompts('torch', openTorch(), variants);
describeGeneration('torch', openTorch());
