/** Small text grammars: alternatives drawn at random, and templates with slots. */
import type { Random } from '../../support/random.ts';

/** One of the alternatives, each equally likely. */
export function pick<T>(random: Random, alternatives: readonly T[]): T {
  return alternatives[random.integer(alternatives.length)] as T;
}

/**
 * Writes `values` into the template's `{slots}`. A slot in capitals' case, `{Item}`, takes the value of
 * `item` with its first letter in upper case.
 *
 * @throws {Error} for a slot without a value: a defect of the grammar.
 */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const exact = values[slot];
    if (exact !== undefined) return exact;
    const lower = values[slot.charAt(0).toLowerCase() + slot.slice(1)];
    if (lower === undefined) throw new Error(`no value for the slot {${slot}} of "${template}"`);
    return capitalise(lower);
  });
}

/** One of the templates, filled. */
export function say(
  random: Random,
  templates: readonly string[],
  values: Readonly<Record<string, string>> = {},
): string {
  return fill(pick(random, templates), values);
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Sentences joined by single spaces; empty ones are left out. */
export function sentences(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
