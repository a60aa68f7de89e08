import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { formatDuration, silentProgress, streamProgress } from '../../src/support/progress.ts';

class Screen extends Writable {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A clock that stands still until it is moved. */
function clock() {
  let milliseconds = 0;
  return { now: () => milliseconds, advance: (seconds: number) => (milliseconds += seconds * 1000) };
}

const options = { label: 'training', total: 100, unit: 'rows' };

describe('progress', () => {
  it('writes a plain line every five seconds where there is no terminal, and a last one', () => {
    const screen = new Screen(false);
    const time = clock();
    const progress = streamProgress(screen, time.now)(options);
    for (let i = 0; i < 12; i++) {
      time.advance(1);
      progress.advance(2, `loss 0.${i}`);
    }
    progress.stop();
    expect(screen.text).toBe(
      [
        'training: 10/100 rows, 2.0 rows/s, 45s left, loss 0.4',
        'training: 20/100 rows, 2.0 rows/s, 40s left, loss 0.9',
        'training: 24/100 rows, 2.0 rows/s, 38s left, loss 0.11',
        '',
      ].join('\n'),
    );
  });

  it('leaves what an earlier run did out of the rate', () => {
    const screen = new Screen(false);
    const time = clock();
    const progress = streamProgress(screen, time.now)({ ...options, initial: 90 });
    time.advance(10);
    progress.advance(10);
    progress.stop();
    expect(screen.text).toBe('training: 100/100 rows, 1.0 rows/s, took 10s\n');
  });

  it('says nothing about a rate before anything is done', () => {
    const screen = new Screen(false);
    streamProgress(screen, clock().now)(options).stop();
    expect(screen.text).toBe('training: 0/100 rows, - rows/s\n');
  });

  it('draws a bar on a terminal', () => {
    const screen = new Screen(true);
    const time = clock();
    const progress = streamProgress(screen, time.now)(options);
    time.advance(10);
    progress.advance(50, 'loss 0.5');
    progress.stop();
    expect(screen.text).toContain('█');
    expect(screen.text).toContain('50/100 rows, 5.0 rows/s, 10s left, loss 0.5');
  });

  it('can be silent', () => {
    const progress = silentProgress(options);
    progress.advance(1);
    progress.stop();
  });
});

describe('formatDuration', () => {
  it.each([
    [0.4, '0s'],
    [59.6, '1m00s'],
    [65, '1m05s'],
    [3599.4, '59m59s'],
    [3600, '1h00m'],
    [7620, '2h07m'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});
