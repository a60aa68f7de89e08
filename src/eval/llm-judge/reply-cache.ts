/**
 * Replies kept on disk, so that no question is paid for twice: one file for each, named by the hash of
 * everything that decides the reply and nothing of the endpoint. A file is written beside and renamed, so
 * processes never see each other's halves; where two ask the same at a time, the last reply stays.
 *
 * Replies are kept as they came, in whatever format: a parser that changes reads them anew.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { makeFolder, writeFileAtomic } from '../../support/atomic-file.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { errorCode } from '../../support/file-error.ts';
import { sha256 } from '../../support/hash.ts';
import type { ChatReply, ChatRequest } from './chat.ts';
import { PROMPT_VERSION } from './prompts.ts';

/** Changes whenever the meaning of a file does, so that old ones are not found again. */
const FORMAT = 'lifealign judge reply 1';

const tokens = z.number().int().nonnegative();
const entrySchema = z.strictObject({
  key: z.string(),
  reply: z.strictObject({
    text: z.string(),
    refusal: z.string().nullable(),
    finishReason: z.string().nullable(),
    usage: z.strictObject({ prompt: tokens, reply: tokens }).nullable(),
  }),
  checksum: z.string(),
});

export interface ReplyCacheOptions {
  /** Takes one line about a damaged or unwritable entry; it must reach the user. */
  readonly warn: (message: string) => void;
  /** Default: `judge-replies` in the user's cache folder. */
  readonly folder?: string | undefined;
}

/** The name of a request's file. */
export function requestKey(request: ChatRequest): string {
  const { model, messages, temperature, maxReplyTokens, jsonMode } = request;
  const sampling = JSON.stringify({ temperature, maxReplyTokens, jsonMode });
  const parts = messages.flatMap(({ role, content }) => [role, content]);
  return sha256([FORMAT, PROMPT_VERSION, model, sampling, ...parts]);
}

export class ReplyCache {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  #isUnwritable = false;

  private constructor(folder: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#warn = warn;
  }

  /** @throws {UserError} if the folder cannot be made: better before money is spent than after. */
  static async open({ warn, folder }: ReplyCacheOptions): Promise<ReplyCache> {
    const root = folder ?? join(cacheFolder(), 'judge-replies');
    await makeFolder(root);
    return new ReplyCache(root, warn);
  }

  /** A damaged or unreadable entry is reported and counts as absent. */
  async get(key: string): Promise<ChatReply | undefined> {
    const path = this.#path(key);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        this.#warn(`${path}: not used, the judge is asked again: ${(error as Error).message}`);
      }
      return undefined;
    }
    const reply = decode(key, text);
    if (reply === undefined) this.#warn(`${path}: damaged, the judge is asked again`);
    return reply;
  }

  /** A cache that cannot be written warns once; the run goes on. */
  async put(key: string, reply: ChatReply): Promise<void> {
    const path = this.#path(key);
    try {
      await makeFolder(join(path, '..'));
      await writeFileAtomic(path, encode(key, reply));
    } catch (error) {
      if (!this.#isUnwritable) {
        this.#warn(`the judge's replies are not kept for later runs: ${(error as Error).message}`);
      }
      this.#isUnwritable = true;
    }
  }

  /** Thousands of files in one folder are slow to list. */
  #path(key: string): string {
    return join(this.#folder, key.slice(0, 2), `${key}.json`);
  }
}

function encode(key: string, { text, refusal, finishReason, usage }: ChatReply): string {
  const reply = { text, refusal, finishReason, usage };
  return `${JSON.stringify({ key, reply, checksum: sha256([key, JSON.stringify(reply)]) })}\n`;
}

function decode(key: string, text: string): ChatReply | undefined {
  try {
    const { reply } = entrySchema.parse(JSON.parse(text));
    return encode(key, reply) === text ? reply : undefined;
  } catch {
    return undefined;
  }
}
