/** Where a commit comes from: its name, its ancestors, and what its adapter is made of. */
import { UserError } from '../../support/errors.ts';
import type { Commit, MemoryStore } from './store.ts';

/** From the root to the commit itself. */
export async function ancestry(store: MemoryStore, commit: Commit): Promise<readonly Commit[]> {
  const line = [commit];
  for (let { parent } = commit; parent !== null; parent = line[0]!.parent)
    line.unshift(await store.commit(parent));
  return line;
}

/** As `MemoryStore.learned`. A task that was dropped and learned again counts from then on. */
export async function learnedBy(store: MemoryStore, commit: Commit): Promise<readonly Commit[]> {
  const dropped = new Set<string>();
  const learned: Commit[] = [];
  for (const ancestor of [...(await ancestry(store, commit))].reverse()) {
    const { kind, task } = ancestor;
    if (kind === 'drop') dropped.add(task!);
    else if (kind === 'stage' && !dropped.has(task!)) learned.unshift(ancestor);
  }
  return learned;
}

/** Hashes of versions that the gate has refused, and that nobody has reverted to since. */
export async function refusedVersions(store: MemoryStore): Promise<ReadonlySet<string>> {
  const refused = new Set<string>();
  const taken = new Set<string>();
  for await (const { action, added, head } of store.entries()) {
    if (action === 'aside') for (const hash of added) refused.add(hash);
    // With all that lies below it: a task's stages are taken together.
    for (let next: string | null = head; next !== null && !taken.has(next); ) {
      taken.add(next);
      next = (await store.commit(next)).parent;
    }
  }
  for (const hash of taken) refused.delete(hash);
  return refused;
}

/** As `MemoryStore.resolve`. */
export async function findVersion(store: MemoryStore, version: string): Promise<Commit> {
  const fail = (problem: string) =>
    new UserError(
      `version ${version}: ${problem}; expected a number, "head", "head~1" or the first digits of a commit's hash`,
    );
  const back = /^head(?:~(\d{1,6}))?$/i.exec(version);
  if (back) {
    const { commit } = await store.head();
    const line = await ancestry(store, commit);
    const found = line.at(-1 - Number(back[1] ?? 0));
    if (found === undefined) throw fail(`the head has ${line.length - 1} commits before it`);
    return found;
  }
  const isNumber = /^\d{1,6}$/.test(version);
  if (!isNumber && !/^[0-9a-f]{4,64}$/i.test(version)) throw fail('not a version');
  const { versions } = (await store.head()).entry;
  if (isNumber && Number(version) >= versions) throw fail(`the newest version is ${versions - 1}`);
  const found: string[] = [];
  for await (const { added, versions: next } of store.entries()) {
    const at = Number(version) - (next - added.length);
    if (isNumber && at >= 0) return store.commit(added[at]!);
    if (!isNumber) found.push(...added.filter((hash) => hash.startsWith(version.toLowerCase())));
  }
  if (found.length === 1) return store.commit(found[0]!);
  throw fail(found.length === 0 ? 'no commit has a hash that begins so' : `${found.length} hashes begin so`);
}
