/** `--set a.b=c`: single keys of a config changed from the command line. */
import { type Document, parseDocument } from 'yaml';
import { UserError } from '../../support/errors.ts';

/** A YAML mapping as parsed: nothing about it is checked yet. */
export type ConfigTree = { [key: string]: unknown };

export function isTree(value: unknown): value is ConfigTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What a parsed document says. An alias may name nothing, hold itself, or multiply without end: the first
 * errors to come up only here. What an alias repeats is repeated, so that changing one place changes that place alone.
 */
export function yamlValue(document: Document, fail: (problem: string) => Error): unknown {
  try {
    const value: unknown = document.toJS();
    // A value that holds itself cannot be written down.
    JSON.stringify(value);
    return unshared(value);
  } catch (error) {
    const problem = (error as Error).message.split('\n')[0];
    throw fail(`an alias of the YAML cannot be resolved: ${problem}`);
  }
}

/** A copy of which no two places are one object. */
function unshared<T>(value: T): T {
  if (Array.isArray(value)) return value.map(unshared) as T;
  if (!isTree(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unshared(one)])) as T;
}

/**
 * A copy of the tree with the overrides applied in order. A path's parts are keys, or positions in a list
 * counted from 0; the value is read as YAML, so `2` is a number and `[a, b]` a list. Keys on the way are
 * made where they are missing; whether they mean anything is for the schema to say.
 *
 * @throws {UserError} for an override without `=`, an unreadable value, or a path through something that
 *   is neither mapping nor list, or beyond a list's end.
 */
export function applyOverrides(tree: ConfigTree, overrides: readonly string[]): ConfigTree {
  const result = unshared(tree);
  for (const override of overrides) {
    const fail = (problem: string) => new UserError(`--set ${override}: ${problem}`);
    const equals = override.indexOf('=');
    if (equals < 1) throw fail('expected key=value, for example stages.sft.epochs=1');
    const document = parseDocument(override.slice(equals + 1));
    const broken = document.errors[0];
    if (broken) throw fail(`the value is not valid YAML: ${broken.message}`);
    setKey(result, override.slice(0, equals).split('.'), yamlValue(document, fail), fail);
  }
  return result;
}

/**
 * Sets the key at `path` in place, under the same rules.
 * @throws what `fail` makes of a path that cannot be gone.
 */
export function setKey(
  tree: ConfigTree,
  path: readonly string[],
  value: unknown,
  fail: (problem: string) => Error,
): void {
  let here: unknown = tree;
  for (const [depth, part] of path.entries()) {
    if (part === '' || part === '__proto__') throw fail(`"${path.join('.')}" is not a key`);
    const isLast = depth === path.length - 1;
    const at = path.slice(0, depth).join('.');
    if (Array.isArray(here)) {
      const index = /^\d+$/.test(part) ? Number(part) : Number.NaN;
      if (!(index < here.length))
        throw fail(`"${at}" is a list of ${here.length}; expected 0 to ${here.length - 1}`);
      if (isLast) here[index] = value;
      here = here[index];
    } else if (isTree(here)) {
      if (isLast) here[part] = value;
      else if (!Object.hasOwn(here, part) || here[part] === null) here[part] = {};
      here = here[part];
    } else {
      throw fail(`"${at}" is neither a mapping nor a list`);
    }
  }
}
