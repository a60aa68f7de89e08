/** An answer and what was expected. */
export interface TextPair {
  readonly prediction: string;
  readonly reference: string;
}
