/**
 * The states of a task, in order:
 *
 *     collected -> learning -> shadow -> canary -> full
 *                     |           |         |        |
 *                     |           +---------+--------+--> rolled-back
 *                     +--> refused (by the gate), failed (without a result)
 *
 * At most one task of a memory is open: the next one is trained on what this one has come to. What was refused, rolled
 * back or has failed keeps its feedback until somebody releases it.
 */
export const STATES = [
  'collected',
  'learning',
  'shadow',
  'canary',
  'full',
  'rolled-back',
  'refused',
  'failed',
] as const;
export type TaskState = (typeof STATES)[number];

/** On their way: nothing else is begun meanwhile. */
export const OPEN: readonly TaskState[] = ['collected', 'learning', 'shadow', 'canary'];

/** What a learner, or a person, decides about a task or the learner itself. */
export type DecisionAction =
  | 'collect'
  | 'learn'
  | 'refuse'
  | 'fail'
  | 'shadow'
  | 'canary'
  | 'full'
  | 'roll-back'
  | 'release'
  /** The memory's head is made what is served again. */
  | 'revert'
  /** The memory was moved by others, and what is served follows. */
  | 'follow'
  /** The canary against what is served. */
  | 'test'
  | 'elect'
  | 'request'
  | 'pause'
  | 'resume';
