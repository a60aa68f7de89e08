/** The service's database as commands find it: `--store`, or DATABASE_URL (or DATABASE_URL_FILE) in the environment. */
import type { Command } from 'commander';
import type { Store } from '../service/store/open.ts';
import { secretOf } from './secret.ts';

export function addStoreFlag(command: Command): Command {
  return command.option(
    '--store <file>',
    'SQLite file with keys and feedback; DATABASE_URL=postgres://... takes its place',
    'lifealign.sqlite',
  );
}

/** @throws {UserError} for a database that cannot be used */
export async function openServiceStore(file: string): Promise<Store> {
  const { openStore, storeLocation } = await import('../service/store/open.ts');
  return openStore(storeLocation(file, await secretOf('DATABASE_URL')));
}
