/** Experience replay: sequential fine-tuning whose tasks train on stored rows of earlier ones too. */
import { type Method, paperReplay } from './method.ts';

export const er: Method = {
  name: 'er',
  description: 'sequential fine-tuning with a replay buffer',
  defaults: { objective: { name: 'dpo' }, replay: paperReplay, consolidation: null },
  hooks: {},
};
