/** What answers: the embedded engine (local-backend.ts) or another server (upstream.ts). The HTTP layer knows no more. */
import type { Usage } from './completion.ts';

/** As `/v1/models` lists it. */
export interface ModelEntry {
  readonly id: string;
  readonly object: 'model';
  readonly created: number;
  readonly owned_by: string;
}

/** A finished answer, for metrics and for feedback that names it. */
export interface CompletionRecord {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  /** The conversation as it was asked. */
  readonly messages: readonly unknown[];
  readonly answers: readonly string[];
  readonly usage: Usage | null;
  /** Whom it was for, where the client says so. */
  readonly person: string | null;
  /** False where the client wants nothing kept. */
  readonly keep: boolean;
}

export interface ChatCall {
  /** Who takes turns with others. */
  readonly client: string;
  /** Aborted when the client leaves, time is up, or the service ends. */
  readonly signal: AbortSignal;
  /** To be called when the reader of a stream has left. */
  readonly leave: () => void;
  /** Awaited before an answer's end is told: what is recorded can be given feedback on. */
  readonly record: (completion: CompletionRecord) => Promise<void>;
}

export interface ChatReply {
  readonly response: Response;
  /** Settles, never rejects, when nothing more is being made. */
  readonly done: Promise<void>;
}

export interface ChatBackend {
  models(signal: AbortSignal): Promise<readonly ModelEntry[]>;
  /**
   * @param body the request's, parsed
   * @throws {ApiError} before anything was sent
   */
  chat(body: Readonly<Record<string, unknown>>, call: ChatCall): Promise<ChatReply>;
  /** For metrics. */
  load(): { readonly running: number; readonly waiting: number };
  /** No new requests; resolves when those at work are done. */
  drain(): Promise<void>;
  close(): Promise<void>;
}
