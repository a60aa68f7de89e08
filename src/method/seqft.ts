/** Sequential fine-tuning: task after task with nothing against forgetting; the lower reference. */
import { defineMethod, noSettings } from './method.ts';

export const seqft = defineMethod({
  name: 'seqft',
  description: 'SFT, then DPO, task after task, with nothing against forgetting',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: noSettings,
  begin: () => ({}),
});
