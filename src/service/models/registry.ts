/**
 * Which models the service has: names, each with a newest version, and the versions themselves. `support` is the
 * newest version of that name at the moment a request arrives, `support@v12` always the same one. Publishing
 * changes what later requests get; those that were resolved before go on with what they have.
 */
import type { Adapter } from '../../model/adapter.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';

export interface VersionName {
  readonly name: string;
  /** Such as `v12`; null where a name has but one. */
  readonly version: string | null;
}

export interface ServedVersion extends VersionName {
  /** `support@v12`, or the name alone. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** The adapter over the base; null for the base itself. Read when first asked for. */
  adapter(): Promise<Adapter | null>;
}

export interface Publication extends VersionName {
  readonly created?: number;
}

/** A version that a share of a name's requests go to. */
export interface Canary {
  readonly id: string;
  /** In (0, 1). */
  readonly share: number;
  /** Other salts choose other requests. */
  readonly salt: string;
}

type AdapterSource = Adapter | null | (() => Promise<Adapter | null>);

/** How many adapters that can be read again stay in memory beside those at work. */
const KEPT_ADAPTERS = 8;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** @throws {UserError} for a name that cannot be that of a model */
export function checkModelName(name: string): void {
  if (NAME.test(name)) return;
  const expected = 'letters, digits, dots, dashes and underscores, beginning with a letter or digit';
  throw new UserError(`${JSON.stringify(name)} cannot be a model's name; expected ${expected}`);
}

export class ModelRegistry {
  readonly #heads = new Map<string, ServedVersion>();
  readonly #versions = new Map<string, ServedVersion>();
  readonly #canaries = new Map<string, Canary>();
  readonly #kept = new Map<string, Promise<Adapter | null>>();

  /**
   * Makes a version known and, unless it says otherwise, the newest of its name.
   * @param source the adapter, or how it is read when it is needed (and again, when it was long out of use)
   * @throws {UserError} for a name or version that cannot be one
   */
  publish(publication: Publication, source: AdapterSource, { head = true } = {}): ServedVersion {
    const { name, version, created = Math.floor(Date.now() / 1000) } = publication;
    checkModelName(name);
    if (version !== null) checkModelName(version);
    const id = version === null ? name : `${name}@${version}`;
    const known = this.#versions.get(id);
    const adapter =
      typeof source === 'function' ? () => this.#keep(id, source) : () => Promise.resolve(source);
    const served = version !== null && known ? known : { name, version, id, created, adapter };
    this.#versions.set(id, served);
    if (version === null) this.#kept.delete(id);
    if (head) this.#heads.set(name, served);
    return served;
  }

  /**
   * Makes a known version what its name alone means.
   * @returns false where it is not known
   */
  lead(name: string, id: string): boolean {
    const served = this.#versions.get(id);
    if (served === undefined || served.name !== name) return false;
    this.#heads.set(name, served);
    return true;
  }

  /** Sends a share of the requests for the name alone to another version of it, from now on; null: none. */
  divert(name: string, canary: Canary | null): void {
    if (canary === null) this.#canaries.delete(name);
    else this.#canaries.set(name, canary);
  }

  /**
   * Undefined for a model that is not here.
   * @param key whose request it is: equal keys get the same version while nothing changes
   */
  resolve(model: string, key?: string): ServedVersion | undefined {
    const head = this.#heads.get(model);
    const canary = this.#canaries.get(model);
    if (head && canary && key !== undefined && isDiverted(canary, key)) {
      return this.#versions.get(canary.id) ?? head;
    }
    return head ?? this.#versions.get(model);
  }

  /** Names, each followed by its versions. */
  list(): readonly { readonly id: string; readonly served: ServedVersion }[] {
    const versions = [...this.#versions.values()];
    return [...this.#heads].flatMap(([name, head]) => [
      { id: name, served: head },
      ...versions
        .filter((served) => served.name === name && served.id !== name)
        .map((served) => ({ id: served.id, served })),
    ]);
  }

  /** The least recently used is let go. What could not be read is asked for again. */
  #keep(id: string, read: () => Promise<Adapter | null>): Promise<Adapter | null> {
    const adapter = this.#kept.get(id) ?? read();
    this.#kept.delete(id);
    this.#kept.set(id, adapter);
    adapter.catch(() => this.#kept.delete(id));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_ADAPTERS && oldest !== undefined) this.#kept.delete(oldest);
    return adapter;
  }
}

/** Decided by salt and key alone, so that all instances agree. */
function isDiverted({ share, salt }: Canary, key: string): boolean {
  return Number.parseInt(sha256([salt, key]).slice(0, 12), 16) < share * 2 ** 48;
}
