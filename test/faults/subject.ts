/** What is cut: operations on a memory that lies in a folder, each with how to tell what it has done. */

export interface Subject {
  readonly operations: readonly string[];
  /** Makes what operations find, in an empty folder. */
  prepare(folder: string): Promise<void>;
  /** Changes that for an operation which finds something else. */
  arrange?(folder: string, operation: string): void;
  /** As a process of its own would. */
  perform(folder: string, operation: string): Promise<unknown>;
  /** The same again, where it may have been done already. */
  complete(folder: string, operation: string, isDone: boolean): Promise<void>;
  /** Everything that operations decide, or `NO_MEMORY`. */
  signature(folder: string): Promise<string>;
  /** @throws if something is left that should not be, once the operation is completed. */
  checkCompleted(folder: string, operation: string): Promise<void>;
}

export const NO_MEMORY = 'no memory';

export function memoryIn(folder: string): string {
  return `${folder}/memory`;
}
