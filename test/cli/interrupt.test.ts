import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { interruptSignal } from '../../src/cli/interrupt.ts';

beforeEach(() => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

it('aborts at the first signal and steps aside for the second', () => {
  const before = process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');
  const signal = interruptSignal('continue with --resume');
  expect(signal.aborted).toBe(false);
  process.emit('SIGINT', 'SIGINT');
  expect(signal.reason).toMatchObject({
    name: 'Interrupted',
    message: 'interrupted; continue with --resume',
  });
  expect(process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')).toBe(before);
});
