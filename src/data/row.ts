/** One turn of a conversation, as chat templates take it. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/**
 * One preference row as read from a file and checked: what was asked, the answer preferred and the
 * answer it was preferred to. A plain-text prompt has become one user turn.
 */
export interface PreferenceRow {
  /** Position in its file, counted from 0 (messages to users count from 1). */
  readonly index: number;
  readonly prompt: readonly Message[];
  readonly chosen: string;
  readonly rejected: string;
}
