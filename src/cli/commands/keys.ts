/** `lifealign keys add|list|revoke`: API keys of the service, in its database. */
import type { Command } from 'commander';
import type { KeyStore } from '../../service/keys/key-store.ts';
import type { Store } from '../../service/store/open.ts';
import { addStoreFlag, openServiceStore } from '../service-store.ts';

interface StoreFlag {
  readonly store: string;
}

export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .description('API keys of the service: who may chat, give feedback, review');
  addStoreFlag(
    keys
      .command('add')
      .description('makes a key and prints it: the only time it is shown')
      .option('--name <name>', 'what people call it', 'unnamed')
      .requiredOption('--roles <roles>', 'some of chat,feedback,review,admin; admin may everything'),
  ).action(add);
  addStoreFlag(
    keys.command('list').description('all keys ever made, a line each, without their secrets'),
  ).action(list);
  addStoreFlag(
    keys
      .command('revoke')
      .argument('<id>', "the key's id, as list shows it")
      .description('ends a key, at once'),
  ).action(revoke);
}

async function add({ name, roles, store }: StoreFlag & { name: string; roles: string }): Promise<void> {
  const { parseRoles } = await import('../../service/keys/key-store.ts');
  const wanted = parseRoles(roles);
  await withKeys(store, async (keys, opened) => {
    const { audit } = await import('../../service/keys/audit.ts');
    const made = await keys.add(name, wanted);
    const detail = { name, roles: made.roles.join(',') };
    await audit(opened.db, { actor: 'command line', action: 'key.add', target: made.id, detail });
    process.stderr.write(`key ${made.id} (${made.roles.join(', ')}) in ${opened.shown}; shown only now:\n`);
    process.stdout.write(`${made.text}\n`);
  });
}

async function list({ store }: StoreFlag): Promise<void> {
  await withKeys(store, async (keys) => {
    for (const { id, name, roles, createdAt, revokedAt } of await keys.list()) {
      const state = revokedAt === null ? 'valid' : `revoked ${day(revokedAt)}`;
      process.stdout.write(`${[id, name, roles.join(','), `made ${day(createdAt)}`, state].join('\t')}\n`);
    }
  });
}

async function revoke(id: string, { store }: StoreFlag): Promise<void> {
  await withKeys(store, async (keys, opened) => {
    const { audit } = await import('../../service/keys/audit.ts');
    await keys.revoke(id);
    await audit(opened.db, { actor: 'command line', action: 'key.revoke', target: id });
    process.stderr.write(`key ${id} is revoked\n`);
  });
}

async function withKeys(file: string, work: (keys: KeyStore, store: Store) => Promise<void>): Promise<void> {
  const { KeyStore } = await import('../../service/keys/key-store.ts');
  const store = await openServiceStore(file);
  try {
    await work(await KeyStore.open(store), store);
  } finally {
    await store.close();
  }
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
