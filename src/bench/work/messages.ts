/** What a bench and the processes that do its runs say to each other. All of it is plain JSON. */
import type { RunConfig } from '../../train/config/schema.ts';

export interface RunOrder {
  readonly config: RunConfig;
  /** Where the config came from, for messages. */
  readonly origin: string;
  /** Of the run; one that is there goes on. */
  readonly folder: string;
  /** Of the engine; left out: as many as there are cores. */
  readonly threads?: number;
}

export type ToWorker =
  | { readonly kind: 'run'; readonly order: RunOrder }
  /** What is under way is saved; the worker then answers `stopped`. */
  | { readonly kind: 'stop' };

/** How a run ended. */
export type Ending =
  | { readonly kind: 'done' }
  | { readonly kind: 'diverged'; readonly problem: string }
  | { readonly kind: 'stopped' }
  /** A `UserError`. */
  | { readonly kind: 'refused'; readonly problem: string; readonly exitCode: number }
  /** A defect. */
  | { readonly kind: 'failed'; readonly stack: string };

export type FromWorker =
  | { readonly kind: 'ended'; readonly ending: Ending }
  /** The run's base and engine are open: of this program, of Node and of what the engine computes with. */
  | { readonly kind: 'versions'; readonly versions: Readonly<Record<string, string>> }
  /** What is being done now, for people. */
  | { readonly kind: 'at'; readonly label: string }
  | { readonly kind: 'warning'; readonly line: string };
