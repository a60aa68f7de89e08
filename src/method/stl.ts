/**
 * Single-task learning: every task alone, from the adapter the run began with. Its diagonal says what can
 * be learned of each task at all; a comparison of methods means something only where that is a lot.
 */
import { defineMethod, noSettings } from './method.ts';

export const stl = defineMethod({
  name: 'stl',
  description: 'each task alone from the same start: what is learnable',
  defaults: { objective: { name: 'dpo' }, replay: 'never', consolidation: null },
  settings: noSettings,
  begin: (_, { initial }) => ({ startTask: () => initial }),
});
