import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { interruptible } from '../../src/cli/interrupt.ts';

const listeners = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
let said: string;
let before: number;

beforeEach(() => {
  said = '';
  before = listeners();
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  expect(listeners()).toBe(before);
});

describe('interruptible work', () => {
  it('is asked to stop by the first signal; nobody listens to the second', async () => {
    const work = interruptible(
      { reason: 'interrupted; all is saved', notice: 'stopping' },
      async (signal) => {
        expect(signal.aborted).toBe(false);
        process.emit('SIGINT', 'SIGINT');
        expect(listeners()).toBe(before);
        signal.throwIfAborted();
      },
    );
    await expect(work).rejects.toMatchObject({ name: 'Interrupted', message: 'interrupted; all is saved' });
    expect(said).toBe('lifealign: stopping\n');
  });

  it('says nothing by itself where no notice is given', async () => {
    await interruptible({ reason: 'interrupted' }, async (signal) => {
      process.emit('SIGTERM', 'SIGTERM');
      expect(signal.aborted).toBe(true);
    });
    expect(said).toBe('');
  });

  it('hands on what the work returns or throws, and listens no longer', async () => {
    expect(await interruptible({ reason: '' }, async () => 42)).toBe(42);
    await expect(interruptible({ reason: '' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
