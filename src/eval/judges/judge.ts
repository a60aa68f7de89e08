/** What a rule-based judge is. Judges read answers alone; they know nothing of how rows were made. */

/** What an answer is judged against. */
export interface JudgedPrompt {
  readonly query: string;
  /** An answer that is right; judges that need to know which fact was asked for read it here. */
  readonly reference: string;
}

export interface RuleJudge {
  readonly name: string;
  /** One line: what earns points. */
  readonly description: string;
  /**
   * 0 to 100. Exact and deterministic: the share of the task's criteria the answer meets; 0 for an empty
   * answer, or one that breaks what the task is about.
   */
  score(answer: string, prompt: JudgedPrompt): number;
}
