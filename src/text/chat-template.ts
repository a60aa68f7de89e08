/**
 * Writes a conversation as the text a model was trained on. Comes before the tokenizer on the data's
 * way; a template is a small Jinja program that ships with the model.
 */
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import type { Message } from '../data/row.ts';
import { UserError } from '../support/errors.ts';
import { sha256 } from '../support/hash.ts';
import {
  readTextIfThere,
  readTokenizerConfig,
  SPECIAL_TOKEN_NAMES,
  type TokenizerConfig,
} from './model-folder.ts';

/** The template itself refuses a conversation, for example because roles don't alternate. */
export class ChatTemplateError extends UserError {
  override readonly name = 'ChatTemplateError';
}

/**
 * The template engine offers today's date, and a prompt's token ids would change with it overnight. Put
 * before a template, this takes the date away; one that asks `strftime_now is defined` writes its own.
 */
const WITHOUT_CLOCK = '{% set strftime_now = undefined %}';

export class ChatTemplate {
  /** A hash over the template and the special tokens it can write. */
  readonly identity: string;
  readonly #template: Template;
  readonly #specialTokens: Readonly<Record<string, string>>;
  readonly #mentionsDate: boolean;

  private constructor(source: string, specialTokens: Readonly<Record<string, string>>) {
    this.#template = new Template(source);
    this.#template.parsed.body.unshift(...new Template(WITHOUT_CLOCK).parsed.body);
    this.#mentionsDate = source.includes('strftime_now');
    this.#specialTokens = specialTokens;
    this.identity = sha256(['chat template', source, ...Object.entries(specialTokens).flat()]);
  }

  /**
   * Reads `chat_template.jinja`, or else `chat_template` in `tokenizer_config.json`: one template, or a
   * list of named ones of which "default" is taken.
   * @throws {UserError} if the folder has no template, or one that does not parse.
   */
  static async load(folder: string): Promise<ChatTemplate> {
    const config = await readTokenizerConfig(folder);
    const file = join(folder, 'chat_template.jinja');
    const ownFile = await readTextIfThere(file);
    const from =
      ownFile === undefined ? `${join(folder, 'tokenizer_config.json')}, field "chat_template"` : file;
    const source = ownFile ?? templateOf(config, folder);
    try {
      return new ChatTemplate(source, specialTokensOf(config));
    } catch (error) {
      const problem = `the chat template cannot be parsed: ${(error as Error).message}`;
      throw new UserError(`${from}: ${problem}`, { cause: error });
    }
  }

  /**
   * The conversation as text. With `addGenerationPrompt` it ends where the assistant's answer begins.
   * The variables are those of transformers' `apply_chat_template` without tools, documents or the date.
   * @throws {ChatTemplateError} if the template refuses the conversation.
   */
  render(messages: readonly Message[], options: { addGenerationPrompt: boolean }): string {
    try {
      return this.#template.render({
        ...this.#specialTokens,
        messages,
        tools: null,
        documents: null,
        add_generation_prompt: options.addGenerationPrompt,
      });
    } catch (error) {
      const problem = `the chat template refuses this conversation: ${(error as Error).message}`;
      const hint = this.#mentionsDate
        ? '; a date of today (strftime_now) is not given, since token ids would change with it: ' +
          "put a fixed one into the model folder's template"
        : '';
      throw new ChatTemplateError(`${problem}${hint}`, { cause: error });
    }
  }
}

function templateOf(config: TokenizerConfig, folder: string): string {
  const given = config.chat_template;
  if (typeof given === 'string') return given;
  if (!given) {
    throw new UserError(
      `${folder}: the model has no chat template (no chat_template.jinja, and no "chat_template" in ` +
        'tokenizer_config.json), so there is no telling how to write a conversation for it; use an instruct ' +
        'model, or put the template it was trained with into chat_template.jinja',
    );
  }
  const byDefault = given.find((entry) => entry.name === 'default');
  if (byDefault) return byDefault.template;
  const names = given.map((entry) => JSON.stringify(entry.name)).join(', ') || 'none';
  throw new UserError(`${folder}: expected a chat template named "default", found ${names}`);
}

/** Tokens the model does not have stay undefined, so that a template's `is defined` works. */
function specialTokensOf(config: TokenizerConfig): Record<string, string> {
  const entries = SPECIAL_TOKEN_NAMES.flatMap((name) =>
    config[name] ? [[name, config[name]] as const] : [],
  );
  return Object.fromEntries(entries);
}
