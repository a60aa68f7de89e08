/**
 * A memory's config.yaml: what base it is for, what adapter it began with, and how `learn` works on it. The store takes
 * part in the first two alone; the section `learn` is checked by the schema of whoever learns.
 */
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { writeFileAtomic } from '../../support/atomic-file.ts';
import { DataError } from '../../support/errors.ts';
import { DamagedError, readSealed, seal } from './sealed.ts';

/** The section `learn` before its own schema has seen it. */
const anySection = z.record(z.string(), z.json());

const common = {
  /** A model folder or GGUF file, absolute, or a name known to `models list`. */
  base: z.string().min(1),
  /** Of the adapter that the memory began with. */
  lora: z
    .strictObject({
      rank: z.int().positive().default(8),
      alpha: z.number().positive().default(16),
      targets: z.array(z.string().min(1)).min(1).default(['q_proj', 'v_proj']),
    })
    .prefault({}),
  /** Decides the fresh adapter, splits, shuffles and samples. */
  seed: z.int().min(0).default(0),
};

/** The whole config, with `learn` as its schema takes it: stages, replay, consolidation, gate, conflicts, privacy. */
export function memoryConfigSchema<Learn extends z.ZodType>(learn: Learn) {
  return z.strictObject({ ...common, learn });
}

const untypedSchema = memoryConfigSchema(anySection.default({}));

/** `learn` is whatever JSON stands there; whoever learns has the schema that makes it typed. */
export type MemoryConfig = z.output<typeof untypedSchema>;

/** As zod's `safeParse`, for callers that name files and keys themselves. */
export function parseMemoryConfig(tree: unknown) {
  return untypedSchema.safeParse(tree);
}

/** Writes the file in one step. */
export async function writeMemoryConfig(file: string, config: MemoryConfig): Promise<void> {
  await writeFileAtomic(file, seal(`${HEADER}${stringify(config, { aliasDuplicateObjects: false })}`));
}

const HEADER = `# Settings of a lifealign memory. Change them with "lifealign memory config --set KEY=VALUE", or here, and
# then "lifealign memory config --accept": the checksum at the end tells a change from damage.
`;

/** @throws {DamagedError} for a file that is not as it was written, saying what to do if somebody changed it. */
export async function readMemoryConfig(file: string): Promise<MemoryConfig> {
  try {
    return checked(await readSealed(file), file);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    const advice =
      'if you changed it on purpose, run "lifealign memory config --accept", which shows what is new; if not, the disk did';
    throw new DamagedError(file, `${error.problem}; ${advice}`, { cause: error });
  }
}

function checked(text: string, file: string): MemoryConfig {
  const parsed = untypedSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DataError({ file, field: issue?.path.join('.') ?? '' }, issue?.message ?? 'not a memory config');
}
