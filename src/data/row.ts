/** One turn of a conversation, as chat templates take it. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** What is asked; enough to generate an answer. A plain-text prompt has become one user turn. */
export interface PromptRow {
  /** Position in its file, counted from 0 (messages to users count from 1). */
  readonly index: number;
  readonly prompt: readonly Message[];
}

/** What is asked, and one answer to it. */
export interface ConversationRow extends PromptRow {
  readonly response: string;
}

/**
 * One preference row as read from a file and checked: what was asked, the answer preferred and the
 * answer it was preferred to.
 */
export interface PreferenceRow extends PromptRow {
  readonly chosen: string;
  readonly rejected: string;
}
