/**
 * Progress of long work, for people: on standard error only, so that standard output holds results
 * alone. Layers below the command line take a `ProgressFactory` and know nothing of terminals; the
 * default everywhere is `silentProgress`.
 */
import { type Options, SingleBar } from 'cli-progress';

export interface ProgressOptions {
  /** What is being done, for example `task 2 of 4, preference`. */
  readonly label: string;
  /** How much there is in all, in `unit`s. */
  readonly total: number;
  /** For example `rows`, `steps`, `MB`. */
  readonly unit: string;
  /** Done already in an earlier run; left out of the rate. */
  readonly initial?: number;
}

export interface Progress {
  /** `amount` more is done; `note` is a short remark such as the loss. */
  advance(amount: number, note?: string): void;
  /** Leaves the last state on the screen; nothing more will be reported. */
  stop(): void;
}

export type ProgressFactory = (options: ProgressOptions) => Progress;

export const silentProgress: ProgressFactory = () => ({ advance() {}, stop() {} });

export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
}

/** Milliseconds between two plain lines. */
const LINE_INTERVAL = 5000;

/** A bar with rate and time left on a terminal; elsewhere a plain line every few seconds. */
export function streamProgress(stream: ProgressStream, now: () => number = Date.now): ProgressFactory {
  return (options) =>
    stream.isTTY === true ? barProgress(stream, now, options) : lineProgress(stream, now, options);
}

class Meter {
  readonly options: ProgressOptions;
  readonly #now: () => number;
  readonly #start: number;
  readonly #initial: number;
  done: number;

  constructor(options: ProgressOptions, now: () => number) {
    this.options = options;
    this.#now = now;
    this.#start = now();
    this.#initial = options.initial ?? 0;
    this.done = this.#initial;
  }

  /** For example `2.4 rows/s, 1m05s left`. */
  rateAndTimeLeft(): string {
    const seconds = (this.#now() - this.#start) / 1000;
    const rate = (this.done - this.#initial) / seconds;
    const { total, unit } = this.options;
    if (!Number.isFinite(rate) || rate <= 0) return `- ${unit}/s`;
    const left = Math.max(0, total - this.done) / rate;
    const speed = `${formatRate(rate)} ${unit}/s`;
    return left > 0 ? `${speed}, ${formatDuration(left)} left` : `${speed}, took ${formatDuration(seconds)}`;
  }
}

function barProgress(stream: ProgressStream, now: () => number, options: ProgressOptions): Progress {
  const meter = new Meter(options, now);
  const settings: Options = {
    stream,
    format: `${options.label} {bar} {value}/{total} ${options.unit}, {speed}{note}`,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    fps: 5,
    linewrap: true,
    // The library's own signal handlers would end the process before a checkpoint is written.
    gracefulExit: false,
  };
  const bar = new SingleBar(settings);
  bar.start(options.total, meter.done, { speed: meter.rateAndTimeLeft(), note: '' });
  return {
    advance(amount, note) {
      meter.done += amount;
      const remark = note === undefined ? {} : { note: `, ${note}` };
      bar.update(meter.done, { speed: meter.rateAndTimeLeft(), ...remark });
    },
    stop: () => bar.stop(),
  };
}

function lineProgress(stream: ProgressStream, now: () => number, options: ProgressOptions): Progress {
  const meter = new Meter(options, now);
  let lastLine = now();
  let reported = -1;
  let lastNote: string | undefined;
  const print = () => {
    const remark = lastNote === undefined ? '' : `, ${lastNote}`;
    const count = `${meter.done}/${options.total} ${options.unit}`;
    stream.write(`${options.label}: ${count}, ${meter.rateAndTimeLeft()}${remark}\n`);
    lastLine = now();
    reported = meter.done;
  };
  return {
    advance(amount, note) {
      meter.done += amount;
      if (note !== undefined) lastNote = note;
      if (now() - lastLine >= LINE_INTERVAL) print();
    },
    stop() {
      if (meter.done !== reported) print();
    },
  };
}

function formatRate(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toPrecision(2);
}

/** `12s`, `3m05s` or `2h07m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const twoDigits = (n: number) => String(n).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${twoDigits(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${twoDigits(Math.floor((whole % 3600) / 60))}m`;
}
