/** Where a command that answers a file of rows writes its lines. */
import { realpath } from 'node:fs/promises';
import { checkWritable } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';

/**
 * Before anything that takes minutes.
 * @throws {UserError} if the file cannot be written or is the one the rows come from
 */
export async function checkOutput(output: string, data: string): Promise<void> {
  const [to, from] = await Promise.all([output, data].map((path) => realpath(path).catch(() => null)));
  if (to !== null && to === from) {
    throw new UserError(`--output ${output}: it is the file of --data, which would be lost`);
  }
  await checkWritable(output);
}
