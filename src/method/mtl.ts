/**
 * Multi-task learning: the rows of all tasks at once, shuffled; the upper reference. What a run leaves of each
 * task it leaves here of all of them together, under the stream's last one: the last row of the result matrix is
 * the only one, so Last is defined, and backward transfer and the average along the way are not.
 */
import { defineMethod, noSettings } from './method.ts';

export const mtl = defineMethod({
  name: 'mtl',
  description: 'all tasks at once, shuffled: an upper reference',
  defaults: { objective: { name: 'dpo' }, replay: 'never', consolidation: null },
  settings: noSettings,
  tasks: 'at once',
  begin: () => ({}),
});
