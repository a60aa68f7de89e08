/** Keys in the database. A revocation holds from the next request on, in every instance. */
import * as z from 'zod';
import { UserError } from '../../support/errors.ts';
import { parseJson } from '../../support/json.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { GroupRead } from '../store/group-read.ts';
import type { Store } from '../store/open.ts';
import type { KeysTable } from '../store/tables.ts';
import { type Caller, ROLES, type Role } from './roles.ts';
import { hashSecret, newInstallationSecret, newKey, parseKey, sameHash } from './secret.ts';

export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

const INSTALLATION_SECRET = 'installation secret';
const MOST_NAME = 100;

const rolesSchema = z.array(z.enum(ROLES));

export class KeyStore {
  readonly #store: Store;
  readonly #installationSecret: string;
  /** Once there has been a key there always is one, revoked or not. */
  #hasKeys = false;
  readonly #anyKey: GroupRead<'any', boolean>;
  readonly #records: GroupRead<string, Pick<KeysTable, 'hash' | 'roles' | 'revoked_at'>>;

  private constructor(store: Store, installationSecret: string) {
    this.#store = store;
    this.#installationSecret = installationSecret;
    const { db } = store;
    this.#anyKey = new GroupRead(async () => {
      const found = await db.selectFrom('api_keys').select('id').limit(1).executeTakeFirst();
      return new Map([['any', found !== undefined]]);
    });
    this.#records = new GroupRead(async (ids) => {
      const rows = await db
        .selectFrom('api_keys')
        .select(['id', 'hash', 'roles', 'revoked_at'])
        .where('id', 'in', ids)
        .execute();
      return new Map(rows.map((row) => [row.id, row]));
    });
  }

  static async open(store: Store): Promise<KeyStore> {
    const { db } = store;
    // Two instances that start together agree on the first one's.
    await db
      .insertInto('settings')
      .values({ name: INSTALLATION_SECRET, value: newInstallationSecret() })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute();
    const { value } = await db
      .selectFrom('settings')
      .select('value')
      .where('name', '=', INSTALLATION_SECRET)
      .executeTakeFirstOrThrow();
    return new KeyStore(store, value);
  }

  /** Whether any key was ever made: from then on nothing is open, though all be revoked. */
  async hasKeys(): Promise<boolean> {
    if (this.#hasKeys) return true;
    if (await this.#anyKey.get('any')) this.#hasKeys = true;
    return this.#hasKeys;
  }

  /**
   * Makes a key and returns its text, which is nowhere kept.
   * @throws {UserError} for a name that cannot be shown in a list, or without roles
   */
  async add(name: string, roles: readonly Role[]): Promise<KeyRecord & { readonly text: string }> {
    checkName(name);
    if (roles.length === 0) throw new UserError(`a key needs a role: ${ROLES.join(', ')}`);
    const { id, secret, text } = newKey();
    const createdAt = Date.now();
    const hash = hashSecret(secret, this.#installationSecret);
    const kept = ROLES.filter((role) => roles.includes(role));
    await this.#store.db
      .insertInto('api_keys')
      .values({ id, name, roles: JSON.stringify(kept), hash, created_at: createdAt, revoked_at: null })
      .execute();
    return { id, name, roles: kept, createdAt, revokedAt: null, text };
  }

  async list(): Promise<readonly KeyRecord[]> {
    const rows = await this.#store.db.selectFrom('api_keys').selectAll().orderBy('created_at').execute();
    return rows.map(({ id, name, roles, created_at, revoked_at }) => ({
      ...{ id, name, roles: readRoles(roles) },
      ...{ createdAt: created_at, revokedAt: revoked_at },
    }));
  }

  /** @throws {UserError} for an id of no key; one revoked before stays so, without an error */
  async revoke(id: string): Promise<void> {
    const keys = await this.list();
    if (!keys.some((key) => key.id === id)) {
      const known = keys.map((key) => key.id);
      throw new UserError(`there is no key ${JSON.stringify(id)}.${didYouMean(id, known)}`);
    }
    await this.#store.db
      .updateTable('api_keys')
      .set({ revoked_at: Date.now() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .execute();
  }

  /** Who holds this key; null where nobody does any more, or it is none. */
  async verify(text: string): Promise<Caller | null> {
    const key = parseKey(text);
    if (!key) return null;
    const record = await this.#records.get(key.id);
    const hash = hashSecret(key.secret, this.#installationSecret);
    // Compared also where there is no such id, so that the time does not tell.
    const same = sameHash(hash, record?.hash ?? '0'.repeat(hash.length));
    if (!record || !same || record.revoked_at !== null) return null;
    return { id: key.id, roles: new Set(readRoles(record.roles)) };
  }
}

/** `chat,feedback`, from the command line. @throws {UserError} naming what is no role */
export function parseRoles(text: string): readonly Role[] {
  return text.split(',').map((part) => {
    const role = ROLES.find((known) => known === part.trim());
    if (role !== undefined) return role;
    const hint = didYouMean(part.trim(), ROLES);
    throw new UserError(`--roles: ${JSON.stringify(part)} is no role; expected ${ROLES.join(', ')}.${hint}`);
  });
}

function readRoles(text: string): readonly Role[] {
  return rolesSchema.parse(parseJson(text, 'the roles of a key'));
}

function checkName(name: string): void {
  if (name.length >= 1 && name.length <= MOST_NAME && !/\p{C}/u.test(name)) return;
  throw new UserError(`--name: expected 1 to ${MOST_NAME} characters that can be printed`);
}
