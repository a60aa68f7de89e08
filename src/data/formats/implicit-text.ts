/**
 * TRL's standard type with an implicit prompt, {chosen, rejected} texts that begin alike: what they share is the
 * prompt, back to the last whole word. Nothing in such a row says that it is meant so, hence only on demand.
 */
import { InvalidRow, kindOf } from '../invalid-row.ts';
import { type Format, onePair } from './format.ts';

export const implicitText: Format = {
  name: 'implicit-text',
  description: '{chosen, rejected}: texts that begin with their prompt; TRL, read only when asked for',
  read(fields) {
    const [chosen, rejected] = ['chosen', 'rejected'].map((name) => {
      const value = fields[name];
      if (typeof value === 'string') return value;
      throw new InvalidRow(name, `expected a text, found ${kindOf(value)}`);
    }) as [string, string];
    let shared = 0;
    while (shared < Math.min(chosen.length, rejected.length) && chosen[shared] === rejected[shared]) shared++;
    const prompt = chosen.slice(0, shared).replace(/\s*\S*$/, '');
    if (prompt.trim() === '') {
      throw new InvalidRow(
        'rejected',
        'begins otherwise than "chosen"; expected two texts with a shared prompt',
      );
    }
    return onePair({ prompt, chosen: chosen.slice(prompt.length), rejected: rejected.slice(prompt.length) });
  },
};
