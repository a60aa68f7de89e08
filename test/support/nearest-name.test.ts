import { describe, expect, it } from 'vitest';
import { didYouMean, nearestName } from '../../src/support/nearest-name.ts';

describe('nearestName', () => {
  const keys = ['epochs', 'learning_rate', 'batch_size', 'lr'];

  it.each([
    ['epoch', 'epochs'],
    ['learningrate', 'learning_rate'],
    ['Learning-Rate', 'learning_rate'],
    ['batchsize', 'batch_size'],
    ['temperature', undefined],
    ['xy', undefined],
    ['', undefined],
  ])('takes %j for %j', (word, expected) => {
    expect(nearestName(word, keys)).toBe(expected);
  });

  it('prefers the closest, and the first of equally close ones', () => {
    expect(nearestName('abcd', ['abxx', 'abcx', 'abce'])).toBe('abcx');
  });

  it('makes a sentence, or none', () => {
    expect(didYouMean('epoch', keys)).toBe(' Did you mean "epochs"?');
    expect(didYouMean('temperature', keys)).toBe('');
  });
});
