/** What a hub repository holds at one commit: the files a model needs, with sizes and hashes. */
import { listFiles, modelInfo } from '@huggingface/hub';
import { UserError } from '../../support/errors.ts';
import { asking, type Hub, HubError } from './hub-client.ts';

/** Answers to questions about a repository are small. */
const TIMEOUT_MS = 30_000;

/** Everything the tokenizer, the template and the configuration may need. */
const SMALL_FILE =
  /^(config\.json|generation_config\.json|tokenizer[\w.-]*\.json|special_tokens_map\.json|chat_template\.jinja)$/;
const WEIGHTS_FILE = /^[\w-][\w.-]*\.safetensors(\.index\.json)?$/;

export interface RepositoryName {
  /** `owner/name`. */
  readonly repository: string;
  /** A branch, tag or commit. */
  readonly revision: string;
}

export interface RepositoryFile {
  readonly path: string;
  readonly bytes: number;
  /** Of the content (`sha256`), or of Git's blob made from it (`git-sha1`) for small files. */
  readonly hash: { readonly kind: 'sha256' | 'git-sha1'; readonly hex: string };
}

export interface RepositoryListing {
  readonly commit: string;
  /** By name; small files and all that are named like safetensors weights. */
  readonly files: ReadonlyMap<string, RepositoryFile>;
}

/** `owner/name` or `owner/name@revision`, or `null` for any other text. */
export function parseRepositoryName(text: string): RepositoryName | null {
  const parts = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w][\w./-]*))?$/.exec(text);
  if (parts === null || text.includes('..')) return null;
  return { repository: parts[1] as string, revision: parts[2] ?? 'main' };
}

/**
 * Finds the commit a revision stands for now, and lists its files as of that commit.
 *
 * @throws HubError where the hub can't be reached or refuses; UserError for a lying answer
 */
export async function listRepository(
  hub: Hub,
  { repository, revision }: RepositoryName,
): Promise<RepositoryListing> {
  const what = `${repository}@${revision}`;
  const bounded: typeof fetch = (input, init) =>
    hub.fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const shared = { hubUrl: hub.url, fetch: bounded };
  const info = await asking(hub, what, () =>
    modelInfo({ ...shared, name: repository, revision, additionalFields: ['sha'] }),
  );
  const commit: unknown = info.sha;
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit)) {
    throw new HubError(`${what} at ${hub.url}: the answer names no commit`, undefined);
  }
  const files = new Map<string, RepositoryFile>();
  await asking(hub, what, async () => {
    for await (const entry of listFiles({ ...shared, repo: repository, revision: commit })) {
      if (entry.type !== 'file' || !(SMALL_FILE.test(entry.path) || WEIGHTS_FILE.test(entry.path))) continue;
      const bytes = entry.lfs?.size ?? entry.size;
      const hash = entry.lfs
        ? { kind: 'sha256' as const, hex: entry.lfs.oid }
        : { kind: 'git-sha1' as const, hex: entry.oid ?? '' };
      const digits = hash.kind === 'sha256' ? 64 : 40;
      if (!Number.isSafeInteger(bytes) || bytes < 0 || !new RegExp(`^[0-9a-f]{${digits}}$`).test(hash.hex)) {
        throw new UserError(`${what} at ${hub.url}: the size or hash of "${entry.path}" is not one`, {
          exitCode: 1,
        });
      }
      files.set(entry.path, { path: entry.path, bytes, hash });
    }
  });
  return { commit, files };
}

export function isSmallFile(path: string): boolean {
  return SMALL_FILE.test(path);
}
