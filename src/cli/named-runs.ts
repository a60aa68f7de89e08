/** Runs by name, as arguments give them: NAME=RUN, the name and a run's output folder. */
import { UserError } from '../support/errors.ts';

/**
 * The folders of each name, in the arguments' order.
 * @throws {UserError} unless every name has one run, or with `seeds` at least two.
 */
export function foldersByName(args: readonly string[], seeds: boolean): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const argument of args) {
    const [, name, folder] = /^([^=]+)=(.+)$/s.exec(argument) ?? [];
    if (name === undefined || folder === undefined) {
      throw new UserError(`${argument}: expected NAME=RUN, a name and a run's output folder`);
    }
    folders.set(name, [...(folders.get(name) ?? []), folder]);
  }
  for (const [name, { length }] of folders) {
    if (!seeds && length > 1) {
      throw new UserError(`${name} names ${length} runs; with --seeds they are taken for seeds of one`);
    }
    if (seeds && length === 1) throw new UserError(`${name}: --seeds needs at least two runs of each name`);
  }
  return folders;
}
