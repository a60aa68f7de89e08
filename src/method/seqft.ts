/** Sequential fine-tuning: task after task with nothing against forgetting; the lower reference. */
import type { Method } from './method.ts';

export const seqft: Method = {
  name: 'seqft',
  description: 'SFT, then DPO, task after task, with nothing against forgetting',
  defaults: { objective: { name: 'dpo' }, replay: null, consolidation: null },
  hooks: {},
};
