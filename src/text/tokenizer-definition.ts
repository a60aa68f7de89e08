/**
 * Prepares a `tokenizer.json` for the JavaScript port of `tokenizers`, which departs from the original in
 * places found by comparing the two on hostile strings: its `Digits` knows ASCII digits only (the
 * original splits every numeric character, ½ and ٣ too), and its `ByteLevel` pattern takes U+FEFF for a
 * blank and U+0085 for none. Its `Split` has neither fault, so both are written as a `Split`. What the
 * port would silently get wrong is refused.
 */
import { UserError } from '../support/errors.ts';

type Definition = Readonly<Record<string, unknown>>;

/** GPT-2's pattern, which `ByteLevel` applies unless told not to. [Radford et al. 2019, encoder.py] */
export const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const SPLIT_BEHAVIORS = ['isolated', 'removed'];

/** An equivalent definition that the port reads correctly. @throws {UserError} if there is none. */
export function portableDefinition(definition: Definition): Definition {
  const preTokenizer = definition['pre_tokenizer'];
  return isDefinition(preTokenizer) ? { ...definition, pre_tokenizer: portable(preTokenizer) } : definition;
}

function portable(preTokenizer: Definition): Definition {
  const { type } = preTokenizer;
  if (type === 'Sequence' && Array.isArray(preTokenizer['pretokenizers'])) {
    const parts = preTokenizer['pretokenizers'].filter(isDefinition).map(portable);
    return { ...preTokenizer, pretokenizers: parts };
  }
  if (type === 'Digits') return split(preTokenizer['individual_digits'] === true ? '\\p{N}' : '\\p{N}+');
  if (type === 'ByteLevel') return byteLevel(preTokenizer);
  if (type === 'Split') checkBehavior(preTokenizer);
  return preTokenizer;
}

function byteLevel(preTokenizer: Definition): Definition {
  if (preTokenizer['use_regex'] === false) return preTokenizer;
  // The prefix space comes before the pattern, so these two steps can't be taken apart.
  if (preTokenizer['add_prefix_space'] === true) {
    throw new UserError(
      'the pre-tokenizer ByteLevel with both add_prefix_space and use_regex is not supported',
    );
  }
  return { type: 'Sequence', pretokenizers: [split(GPT2_PATTERN), { ...preTokenizer, use_regex: false }] };
}

function split(pattern: string): Definition {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

/** The port cuts as if every other behaviour were "Isolated". */
function checkBehavior(preTokenizer: Definition): void {
  const behavior = String(preTokenizer['behavior']);
  if (SPLIT_BEHAVIORS.includes(behavior.toLowerCase())) return;
  throw new UserError(`the pre-tokenizer Split with behavior "${behavior}" is not supported`);
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
