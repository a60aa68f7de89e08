/** What the stream that tables are written to can show. */
import { WriteStream } from 'node:tty';

export interface Screen {
  /** Whether 256 colours may be used. */
  readonly colours: boolean;
  /** Columns of text. */
  readonly width: number;
}

/** What any terminal holds, and what files and pipes are written for. */
export const USUAL_WIDTH = 80;

interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Colours are for terminals that have them. `NO_COLOR` and `TERM=dumb` turn them off; `FORCE_COLOR` turns them on, in
 * files and pipes too, and comes before the others.
 */
export function screenOf(stream: OutputStream, env: NodeJS.ProcessEnv = process.env): Screen {
  const isForced = env['FORCE_COLOR'] !== undefined;
  // Node takes FORCE_COLOR=1 for 16 colours; the palette of 256 is part of every terminal that has those today.
  const least = isForced ? 16 : 256;
  const colours = (stream.isTTY === true || isForced) && WriteStream.prototype.hasColors(least, env);
  return { colours, width: stream.columns ?? USUAL_WIDTH };
}
