/**
 * What a measurement has done so far, so that one that was broken off goes on where it stopped: a file in
 * runs/bench/, rewritten after each result. It is taken up again only when asked for, and only under the same
 * settings on the same machine; a result stands there under its name.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, writeJsonFile } from '../../src/support/atomic-file.ts';
import { UserError } from '../../src/support/errors.ts';
import { parseJsonFile } from '../../src/support/json.ts';

interface Content {
  /** As JSON gives them back. */
  readonly settings: unknown;
  readonly results: Record<string, unknown>;
}

export class Journal {
  readonly #file: string;
  readonly #content: Content;

  private constructor(file: string, content: Content) {
    this.#file = file;
    this.#content = content;
  }

  /** @throws {UserError} if the journal to be taken up is of other settings. */
  static async open(name: string, settings: object, resume: boolean): Promise<Journal> {
    const file = fileURLToPath(new URL(`../../runs/bench/${name}.json`, import.meta.url));
    await makeFolder(dirname(file));
    if (!resume || !existsSync(file)) return new Journal(file, { settings, results: {} });
    const content = (await parseJsonFile(file)) as Content;
    if (JSON.stringify(content.settings) !== JSON.stringify(settings)) {
      throw new UserError(`${join('runs', 'bench', `${name}.json`)}: of other settings; leave out --resume`);
    }
    return new Journal(file, content);
  }

  /** The result under this name: what is known of it, or what `measure` gives now. */
  async result<T>(name: string, measure: () => Promise<T>): Promise<T> {
    const { results } = this.#content;
    if (!(name in results)) {
      results[name] = await measure();
      await writeJsonFile(this.#file, this.#content);
    }
    return results[name] as T;
  }
}
