/** Progress of work on files, counted in bytes and shown in whole megabytes. */
import { type Progress, type ProgressFactory, silentProgress } from '../../support/progress.ts';

const MEGABYTE = 1e6;

/** `advance` takes bytes; negative ones where work is thrown away and done again. */
export function byteProgress(
  label: string,
  bytes: number,
  progress: ProgressFactory = silentProgress,
): Progress {
  const meter = progress({ label, total: Math.round(bytes / MEGABYTE), unit: 'MB' });
  let done = 0;
  return {
    advance(amount) {
      const before = Math.round(done / MEGABYTE);
      done += amount;
      meter.advance(Math.round(done / MEGABYTE) - before);
    },
    stop: () => meter.stop(),
  };
}
