/** What can be cut, by name. */
import type { Subject } from './subject.ts';

export const subjects = {
  /** The store's own operations, and `create`, on adapters of a few numbers. */
  memory: async (): Promise<Subject> => (await import('./memory-operations.ts')).memorySubject,
  /** `learn` with its training, over the toy engine. */
  learn: async (): Promise<Subject> => (await import('./learn-operations.ts')).learnSubject,
} as const;
export type SubjectName = keyof typeof subjects;
