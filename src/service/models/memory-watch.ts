/**
 * A versioned memory as a source of models: its versions are `name@v0`, `name@v1`, ..., and its head is `name`. The
 * head is looked at once a second; where it has moved, the adapter there is read and checked first, and then
 * published: requests never wait for the disk, and a version that cannot be served leaves the one before in place.
 */
import type { Adapter } from '../../model/adapter.ts';
import type { ModelRegistry } from './registry.ts';

export interface MemoryVersion {
  readonly hash: string;
  /** Of the version, counted from 0. */
  readonly number: number;
  /** ISO 8601. */
  readonly time: string;
}

/** What is needed of a memory, which another process may be writing. */
export interface MemorySource<Version extends MemoryVersion> {
  head(): Promise<{ readonly commit: Version }>;
  /** All that were ever made. */
  versions(): Promise<readonly Version[]>;
  adapter(version: Version): Promise<Adapter>;
}

export interface MemoryWatchOptions<Version extends MemoryVersion> {
  /** Of the models. */
  readonly name: string;
  readonly memory: MemorySource<Version>;
  readonly registry: ModelRegistry;
  /** False: the versions alone are published, and somebody else says which is the name's. */
  readonly leads?: boolean;
  /** @throws {UserError} for an adapter, or a version, that the base does not fit */
  readonly check: (adapter: Adapter, version: Version) => void | Promise<void>;
  /** Told after the first version as well. */
  readonly onPublish: (id: string) => void;
  readonly onError: (error: unknown) => void;
  /** Milliseconds between two looks. */
  readonly interval?: number;
}

export interface MemoryWatch {
  /** Ends it; a look under way is finished. */
  stop(): Promise<void>;
}

const INTERVAL = 1000;

/** Resolves when the head is published. @throws {UserError} if that cannot be served */
export async function watchMemory<Version extends MemoryVersion>(
  options: MemoryWatchOptions<Version>,
): Promise<MemoryWatch> {
  const { memory, interval = INTERVAL, onError } = options;
  let current = await publishHead(options, null);
  let failed: string | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout;
  let looking = Promise.resolve();
  const look = async () => {
    let head: string | null = null;
    try {
      head = (await memory.head()).commit.hash;
      if (head === current) failed = null;
      // Tried and told once for each head: the next look would find the same.
      if (head === current || head === failed) return;
      current = await publishHead(options, current);
    } catch (error) {
      onError(error);
      failed = head;
    }
  };
  const wait = () => {
    timer = setTimeout(() => {
      looking = look().then(() => {
        if (!stopped) wait();
      });
    }, interval);
    timer.unref();
  };
  wait();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** @returns the head's hash */
async function publishHead<Version extends MemoryVersion>(
  options: MemoryWatchOptions<Version>,
  current: string | null,
): Promise<string> {
  const { name, memory, registry, leads = true, check, onPublish } = options;
  const { commit } = await memory.head();
  if (commit.hash === current) return current;
  const publish = (version: Version, head: boolean) => {
    const created = Math.floor(Date.parse(version.time) / 1000);
    const read = async () => {
      const adapter = await memory.adapter(version);
      await check(adapter, version);
      return adapter;
    };
    return registry.publish({ name, version: `v${version.number}`, created }, read, { head });
  };
  await publish(commit, false).adapter();
  for (const version of await memory.versions()) publish(version, false);
  onPublish(publish(commit, leads).id);
  return commit.hash;
}
