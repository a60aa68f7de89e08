/**
 * The service's tables, one schema for SQLite and PostgreSQL. Times are milliseconds since 1970; JSON is text, which
 * only this program reads; ids are made here, in order of time.
 */
import { randomUUID } from 'node:crypto';

export interface SettingsTable {
  name: string;
  value: string;
}

export interface KeysTable {
  /** The public half of a key. */
  id: string;
  /** What people call it. */
  name: string;
  /** JSON list. */
  roles: string;
  /** Of the secret half, keyed: keys/secret.ts. */
  hash: string;
  created_at: number;
  revoked_at: number | null;
}

export interface AuditTable {
  id: string;
  at: number;
  /** A key's id, or who else it was. */
  actor: string;
  action: string;
  target: string;
  /** JSON, without content. */
  detail: string;
}

/** Answers that may be given feedback. */
export interface CompletionsTable {
  id: string;
  at: number;
  /** With its version. */
  model: string;
  source: string;
  person: string | null;
  /** JSON list of messages. */
  messages: string;
  /** JSON list of texts. */
  answers: string;
}

export interface FeedbackTable {
  id: string;
  at: number;
  /** The key that sent it, or who else did. */
  source: string;
  person: string | null;
  kind: string;
  completion_id: string | null;
  model: string | null;
  /** JSON list of messages. */
  prompt: string | null;
  /** What a rating or comment is about. */
  answer: string | null;
  /** What a pair or an edit compares. */
  chosen: string | null;
  rejected: string | null;
  rating: number | null;
  comment: string | null;
  /** JSON list. */
  tags: string;
  status: string;
  /** Equal for feedback that says the same about the same. */
  content_hash: string;
  /** Equal for all feedback about the same answers to the same: what else they say contradicts. */
  subject_hash: string;
  decided_at: number | null;
  decided_by: string | null;
  idempotency_key: string | null;
  /** Of the request that came with the key. */
  request_hash: string | null;
}

export interface Tables {
  settings: SettingsTable;
  api_keys: KeysTable;
  audit: AuditTable;
  completions: CompletionsTable;
  feedback: FeedbackTable;
}

let newest = { at: 0, count: 0 };

/**
 * `fb_`, the time, which of this process's in that millisecond, and a random number: ids stand in the order in which
 * they were made, those of several processes by the millisecond.
 */
export function newId(prefix: string, at = Date.now()): string {
  newest = { at, count: at === newest.at ? newest.count + 1 : 0 };
  const digits = (number: number, width: number) => number.toString(36).padStart(width, '0');
  return `${prefix}_${digits(at, 9)}${digits(newest.count, 4)}${randomUUID().replaceAll('-', '')}`;
}
