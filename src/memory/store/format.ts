/**
 * A memory's folder, and the one file that decides what state it is in: `head`, which names the newest entry of the
 * log of all movements. It is replaced in one step, after everything it refers to is on disk; whatever is cut off before
 * that has changed nothing.
 *
 *     head           format, version, the newest entry; sealed
 *     config.yaml    what the memory is for and how `learn` works on it; sealed
 *     objects/       entries, commits, adapters and all else that commits name, each under its SHA-256
 *     rows/          texts of rows, each file under its SHA-256; those that no manifest names any more are removed
 *     cache/         what can be computed again from texts of rows; emptied when any are withdrawn
 *     memory.lock    the writer at work, if any
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { writeFileAtomic } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { version as program } from '../../support/version.ts';
import { ObjectFolder } from './objects.ts';
import { DamagedError, MissingError, readSealed, seal } from './sealed.ts';

const FORMAT = 'lifealign-memory';

/**
 * Goes up with every change that an older reader would misunderstand. 2: commits name the precision of the base that
 * was trained over.
 */
export const FORMAT_VERSION = 2;
/** Memories from here on are read as they are, and become one of this version with the next change. */
const OLDEST_VERSION = 1;

export const LOCK_FILE = 'memory.lock';

/** Where the parts of a memory lie. */
export class MemoryLayout {
  readonly folder: string;
  readonly head: string;
  readonly config: string;
  readonly cache: string;
  readonly objects: ObjectFolder;
  readonly rows: ObjectFolder;

  constructor(folder: string) {
    this.folder = folder;
    this.head = join(folder, 'head');
    this.config = join(folder, 'config.yaml');
    this.cache = join(folder, 'cache');
    this.objects = new ObjectFolder(join(folder, 'objects'));
    this.rows = new ObjectFolder(join(folder, 'rows'));
  }
}

const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.int().min(OLDEST_VERSION).max(FORMAT_VERSION),
  written_by: z.string(),
  entry: z.string().regex(/^[0-9a-f]{64}$/),
});

/** Moves the head: the moment from which on the memory is in another state. */
export async function writeHead({ head }: MemoryLayout, entry: string): Promise<void> {
  const lines = [
    `format: ${FORMAT}`,
    `version: ${FORMAT_VERSION}`,
    `written_by: ${program}`,
    `entry: ${entry}`,
  ];
  await writeFileAtomic(head, seal(`${lines.join('\n')}\n`));
}

/**
 * The hash of the newest entry.
 * @throws {UserError} for a folder that is no memory, or one of a format that this program does not read, with what
 *   can be done then; {DamagedError} for a damaged file.
 */
export async function readHead(layout: MemoryLayout): Promise<string> {
  const { folder, head } = layout;
  const value: unknown = parse(await readHeadText(layout));
  checkVersion(value, folder);
  const parsed = headSchema.safeParse(value);
  if (!parsed.success) throw new DamagedError(head, 'it does not name an entry');
  return parsed.data.entry;
}

async function readHeadText({ folder, head, objects }: MemoryLayout): Promise<string> {
  try {
    return await readSealed(head);
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    if (!existsSync(folder)) {
      throw new UserError(
        `${folder}: no such folder; "lifealign memory init --memory ${folder}" makes a memory`,
      );
    }
    throw new UserError(
      `${folder}: not a memory: it has no file "head"; "lifealign memory init" makes one` +
        (existsSync(objects.path)
          ? '. It has objects: "lifealign memory verify --recover-head" looks for the newest entry'
          : ''),
    );
  }
}

function checkVersion(value: unknown, folder: string): void {
  const header = z.object({ version: z.int(), written_by: z.string() }).safeParse(value);
  if (!header.success) return;
  const { version, written_by: writer } = header.data;
  if (version >= OLDEST_VERSION && version <= FORMAT_VERSION) return;
  const formats =
    `${folder}: a memory of format ${version}, written by lifealign ${writer}; this is lifealign ${program}, which ` +
    `reads formats ${OLDEST_VERSION} to ${FORMAT_VERSION}`;
  if (version > FORMAT_VERSION) {
    throw new UserError(`${formats}. Use that version or a newer one: npx lifealign@${writer}`);
  }
  throw new UserError(
    `${formats}. Take its adapter over into a new memory: npx lifealign@${writer} memory export head ` +
      `--memory ${folder} --output ADAPTER, then lifealign memory init --memory NEW --base BASE --adapter ADAPTER`,
  );
}
