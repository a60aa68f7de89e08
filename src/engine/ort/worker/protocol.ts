/** What the engine and its workers say to each other. Arrays of results change hands, all else is copied. */
import type { EmittedGraph, Feeds, Outputs, RunSettings, SessionOptions } from '../open-session.ts';

/** `session` is a number the asking side chose; `id` is the answer's. */
export type WorkerRequest = { readonly id: number; readonly session: number } & (
  | { readonly kind: 'open'; readonly graphs: readonly EmittedGraph[]; readonly options: SessionOptions }
  /** `feeds` are those the worker does not have yet; `kept` names inputs it has from an earlier run. */
  | {
      readonly kind: 'run';
      readonly feeds: Feeds;
      readonly kept: readonly string[];
      readonly options: RunSettings;
    }
  | { readonly kind: 'release' }
);

export type WorkerReply = { readonly id: number } & (
  | { readonly outputs: Outputs }
  | { readonly error: string }
);

/** What a worker is started with. */
export interface WorkerStart {
  /** The module to run, a URL. */
  readonly entry: string;
  /** In a checkout: the module that lets Node read TypeScript, a URL. */
  readonly loader: string | null;
}
