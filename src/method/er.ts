/** Experience replay: sequential fine-tuning whose tasks train on stored rows of earlier ones too. */
import { defineMethod, noSettings } from './method.ts';

export const er = defineMethod({
  name: 'er',
  description: 'sequential fine-tuning with a replay buffer',
  defaults: { objective: { name: 'dpo' }, replay: 'on', consolidation: null },
  settings: noSettings,
  begin: () => ({}),
});
