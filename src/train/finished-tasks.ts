/**
 * A stream whose first tasks were trained elsewhere, by another process or years ago: all that a run needs of them to
 * go on with the next one as if it had trained them itself.
 */
import type { ReplayEntry } from '../data/replay-buffer.ts';
import type { MethodState } from '../method/method.ts';
import type { Adapter } from '../model/adapter.ts';
import type { ReplayedRow } from './state.ts';
import type { StreamData } from './stream-data.ts';

export interface FinishedTasks {
  /** Decided by everything below but the unfinished tasks' rows: a resumed run must find the same. */
  readonly identity: string;
  readonly count: number;
  /** Of all tasks. Of a finished one `train` needs no more rows than are replayed. */
  readonly data: StreamData;
  /** The policy as the last of them left it. */
  readonly adapter: Adapter;
  /** What the method made of them. */
  readonly remembered: MethodState;
  /** The buffer's rows, in order of arrival; their positions are those in `data`. */
  readonly replay: readonly ReplayEntry<ReplayedRow>[];
}
