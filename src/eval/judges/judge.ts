/**
 * What a rule-based judge is. Judges read an answer and its prompt; of how rows were made they know nothing
 * but the shop's policy table, from which `facts` reads the right values.
 */

/** What an answer is judged against. */
export interface JudgedPrompt {
  readonly query: string;
  /** An answer that is right: tells which fact was asked for, or what the query is about. */
  readonly reference: string;
}

export interface RuleJudge {
  readonly name: string;
  /** One line: what earns points. */
  readonly description: string;
  /**
   * 0 to 100. Exact and deterministic: the share of the task's criteria the answer meets; 0 for an empty
   * answer, or one that breaks what the task is about; little or nothing for one about something else.
   */
  score(answer: string, prompt: JudgedPrompt): number;
}
