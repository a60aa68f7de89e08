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
  /** 1: the learner knows it as it is, part of a task or a thumb that waits; null: it has to look at it. */
  learner_seen: number | null;
  /** Of a thumb that waits for another on an answer to the same prompt: the prompt's hash, by which that finds it. */
  waits_on: string | null;
}

/** A memory that learns from feedback: who does it now, and what is served of it. */
export interface LearnerTable {
  /** The model's bare name. */
  memory: string;
  /** Hash of the memory's first version: the same memory for every instance. */
  root: string;
  /** The instance that holds the lease; goes up with each new holder; until when, by the database's clock. */
  owner: string | null;
  token: number;
  until: number;
  /** 1: nothing new is learned or promoted. */
  paused: number;
  /** Number of the version that the bare name means. */
  serving: number;
  /** Who asked to learn now, until it has begun. */
  requested_by: string | null;
  /** Of the running learn, JSON. */
  progress: string | null;
  started_at: number;
}

/** A task made of feedback, on its way from rows to the version that everybody gets. */
export interface LearnerTasksTable {
  id: string;
  memory: string;
  /** Its name in the memory. */
  name: string;
  state: string;
  state_at: number;
  created_at: number;
  trigger: string;
  feedback: number;
  rows: number;
  /** Learning processes begun, each counted before it is. */
  attempts: number;
  /** Of these, ended without a result; and stopped in order, with the service. The rest ended unseen, or is at work. */
  failures: number;
  stops: number;
  /** Not begun again by itself before; null: at once. */
  retry_at: number | null;
  /** Of the data file that was handed over last. */
  data_hash: string | null;
  /** What was served when it was learned, and what was learned. */
  from_version: number | null;
  version: number | null;
  commit_hash: string | null;
  error: string | null;
  reason: string | null;
  /** JSON: the gate's table; the share and the tests of the canary. */
  gate: string | null;
  canary: string | null;
}

/** Which feedback went into which task. Changed feedback is other feedback. */
export interface LearnerFeedbackTable {
  feedback_id: string;
  content_hash: string;
  task_id: string;
  /** `row`, `duplicate`, `contradicted` or `unusable`. */
  outcome: string;
}

/** Answers of the served version and a new one to a recent prompt. */
export interface LearnerComparisonsTable {
  task_id: string;
  position: number;
  at: number;
  completion_id: string;
  person: string | null;
  /** JSON list of messages. */
  prompt: string;
  /** Null where it could not be answered. */
  serving_text: string | null;
  serving_tokens: number;
  candidate_text: string | null;
  candidate_tokens: number;
  similarity: number;
  reward: number | null;
}

/** Answers and failures while a canary runs, as each instance has counted them. */
export interface LearnerTrafficTable {
  task_id: string;
  instance: string;
  version: number;
  answers: number;
  errors: number;
}

export interface LearnerDecisionsTable {
  id: string;
  at: number;
  memory: string;
  task_id: string | null;
  actor: string;
  action: string;
  from_state: string | null;
  to_state: string | null;
  /** JSON, without content. */
  detail: string;
}

export interface Tables {
  settings: SettingsTable;
  api_keys: KeysTable;
  audit: AuditTable;
  completions: CompletionsTable;
  feedback: FeedbackTable;
  learner: LearnerTable;
  learner_tasks: LearnerTasksTable;
  learner_feedback: LearnerFeedbackTable;
  learner_comparisons: LearnerComparisonsTable;
  learner_traffic: LearnerTrafficTable;
  learner_decisions: LearnerDecisionsTable;
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
