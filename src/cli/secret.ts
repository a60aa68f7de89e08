/** Settings that must not stand on a command line, where every user of the machine could read them. */
import { readFile } from 'node:fs/promises';
import { UserError } from '../support/errors.ts';
import { fileError } from '../support/file-error.ts';

/**
 * From the environment; or from the file that NAME_FILE names there, as containers and systemd hand secrets over.
 * Blanks around it are no part of it.
 * @throws {UserError} for a file that cannot be read or is empty, and where both are set
 */
export async function secretOf(name: string, env = process.env): Promise<string | undefined> {
  const [value, file] = [env[name]?.trim() || undefined, env[`${name}_FILE`] || undefined];
  if (file === undefined) return value;
  if (value !== undefined)
    throw new UserError(`${name} and ${name}_FILE are both set; leave one of them out`);
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw fileError(error, `${name}_FILE ${file}`, 'read');
  }
  if (text === '') throw new UserError(`${name}_FILE ${file}: the file is empty`);
  return text;
}
