/**
 * What a built-in task is: situations a shop's chat or content tool meets, each with ways to answer as
 * preferred and ways not to. Rows, the base's corpus and tests are all drawn from these.
 */
import type { Random } from '../../support/random.ts';

export type Split = 'train' | 'validation' | 'test';

/** The benchmark's four kinds of preference. [arXiv:2509.17183, section 4.1] */
export type PreferenceKind = 'instruction following' | 'human preference' | 'values' | 'facts';

/** One thing a user says, and answers to it. */
export interface Situation {
  readonly query: string;
  /** An answer the task prefers, in one of the wordings there are. */
  chosen(random: Random): string;
  /** An answer it does not: the same content, length and fluency, without what the task is about. */
  rejected(random: Random): string;
}

export interface BuiltinTask {
  readonly name: string;
  readonly kind: PreferenceKind;
  readonly domain: 'support' | 'content';
  /** One line: what is preferred to what. */
  readonly description: string;
  /**
   * A situation of the split. Test queries come from sentence patterns, and name things, that neither
   * training nor validation queries have.
   */
  situation(random: Random, split: Split): Situation;
  /**
   * The share of answers of the chosen kind in the base's corpus, so that the base has either kind and
   * no firm preference.
   */
  readonly corpusShare: number;
}
