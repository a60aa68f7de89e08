/**
 * Text to token ids and back, exactly as the model's `tokenizer.json` says. Sits between the chat
 * template, which writes a conversation as text, and the encoded rows the engine takes.
 */
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { DataError } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import { parseJson, readTextFile } from '../support/json.ts';
import { readTokenizerConfig } from './model-folder.ts';
import { portableDefinition } from './tokenizer-definition.ts';

export class Tokenizer {
  /** The token that ends a response: the end of turn in instruct models. */
  readonly eosTokenId: number;
  /** A hash over everything that decides the ids; part of the reference-log-prob cache's key. */
  readonly identity: string;
  readonly #tokenizer: HuggingFaceTokenizer;
  readonly #specialIds: ReadonlySet<number>;

  private constructor(tokenizer: HuggingFaceTokenizer, eosTokenId: number, identity: string) {
    this.#tokenizer = tokenizer;
    this.eosTokenId = eosTokenId;
    this.identity = identity;
    const added = [...tokenizer.get_added_tokens_decoder()];
    this.#specialIds = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
  }

  /**
   * Reads a model folder. `tokenizer.json` alone decides how text is cut; of `tokenizer_config.json`
   * only the end-of-sequence token is taken.
   * @throws {UserError} if a file is missing or broken, or no end-of-sequence token is named or known.
   */
  static async load(folder: string): Promise<Tokenizer> {
    const file = join(folder, 'tokenizer.json');
    const configFile = join(folder, 'tokenizer_config.json');
    const text = await readTextFile(file);
    const eosToken = (await readTokenizerConfig(folder)).eos_token;
    const tokenizer = build(parseJson(text, file), file);
    const expected = 'expected the token that ends a response, as text or {"content": text}';
    if (!eosToken) throw new DataError({ file: configFile, field: 'eos_token' }, `missing; ${expected}`);
    const eosTokenId = tokenizer.token_to_id(eosToken);
    if (eosTokenId === undefined) {
      const problem = `${JSON.stringify(eosToken)} is no token of tokenizer.json; ${expected}`;
      throw new DataError({ file: configFile, field: 'eos_token' }, problem);
    }
    return new Tokenizer(tokenizer, eosTokenId, sha256(['tokenizer', text, String(eosTokenId)]));
  }

  /**
   * Token ids of `text`, with nothing added before or after. A special token spelled out in the text
   * becomes that token, as in transformers: that is how a rendered template gets its turn markers, and
   * it means that a user's text can forge them.
   */
  encode(text: string): Int32Array {
    return Int32Array.from(this.#tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  has(id: number): boolean {
    return this.#tokenizer.id_to_token(id) !== undefined;
  }

  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /**
   * The text of `ids`; bytes that form no character become U+FFFD. Blanks are left as the tokens have
   * them (no "clean-up" of spaces before punctuation).
   * @throws {RangeError} if an id is not in the vocabulary.
   */
  decode(ids: ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const kept = Array.from(ids).filter((id) => !(options.skipSpecialTokens && this.#specialIds.has(id)));
    if (kept.length === 0) return '';
    for (const id of kept) {
      if (!this.has(id)) throw new RangeError(`no token has the id ${id}`);
    }
    return this.#tokenizer.decode(kept, { clean_up_tokenization_spaces: false });
  }
}

/** The second argument is left empty on purpose: legacy switches of tokenizer_config.json don't apply. */
function build(definition: unknown, file: string): HuggingFaceTokenizer {
  if (typeof definition !== 'object' || definition === null || !('model' in definition)) {
    throw new DataError(
      { file, field: 'model' },
      'missing; expected a tokenizer in the format of `tokenizers`',
    );
  }
  try {
    return new HuggingFaceTokenizer(portableDefinition({ ...definition }), {});
  } catch (error) {
    const problem = `not a tokenizer this program understands: ${(error as Error).message}`;
    throw new DataError({ file }, problem, { cause: error });
  }
}
