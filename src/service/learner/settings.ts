/** When the learner learns, with what, and by which stages a new version comes to be everybody's. */
import * as z from 'zod';
import { configError } from '../../train/config/messages.ts';
import { readConfigTree } from '../../train/config/read-tree.ts';

const share = z.number().gt(0).lt(1);
const count = z.int().positive();
const hours = z
  .number()
  .min(0)
  .max(24 * 365);

export const learnerSchema = z.strictObject({
  /** Which memory, by the model's name; null: the only one there is. */
  memory: z.string().nullable().default(null),
  /** Rows that accepted feedback has to make before they are learned; null: not by number. */
  from: count.nullable().default(200),
  /** Hours after the last task after which what there is is learned; null: not by time. */
  every: z.number().positive().nullable().default(null),
  /** Fewer rows are never a task; null: 100, or `from` where that is less. */
  least: count.nullable().default(null),
  /** Whether the rows' texts are shown nowhere by the memory's commands. */
  private: z.boolean().default(true),
  /** Settings of `learn` for these tasks, such as `stages.sft.epochs=1`. */
  set: z.array(z.string()).default([]),
  /** Of the learning process: threads of the engine, null as many as there are cores; and its niceness. */
  threads: count.nullable().default(null),
  nice: z.int().min(0).max(19).default(15),
  /** Hours without progress after which the learning process is ended: as one that ended without a result. */
  silence: z
    .number()
    .positive()
    .max(24 * 20)
    .default(6),
  /** Processes without a result after which a task has failed, one that was killed with the service among them. */
  attempts: count.default(3),
  /** Hours after such an end before the task is tried again by itself; after a failed task, before another is begun. */
  retry: hours.default(1),
  /** Seconds that an instance is the learner without renewing it. */
  lease: z.number().min(0.5).max(3600).default(30),
  /** Recent prompts answered by both versions, before anybody gets the new one; null: none are. */
  shadow: z
    .strictObject({
      prompts: count.default(32),
      max_tokens: count.default(256),
      /** Hours in the stage at the least. */
      hours: hours.default(0),
      /** Mean lengths further apart than this factor wait for a person. */
      length_ratio: z.number().min(1).default(2),
    })
    .nullable()
    .prefault({}),
  /** A share of the requests for the bare name; null: no such stage. */
  canary: z
    .strictObject({
      share: share.default(0.1),
      /** Hours in the stage, and answers of the new version, at the least. */
      hours: hours.default(24),
      answers: z.int().min(0).default(100),
      /** Rated answers of each version (for errors: answers) before the two are compared. */
      ratings: count.default(20),
      /** The chance of rolling back a version that is no worse, over all looks at both signals. */
      level: share.default(0.05),
    })
    .nullable()
    .prefault({}),
});

export type LearnerSettings = z.output<typeof learnerSchema>;

export interface LearnerSettingsSource {
  /** YAML. */
  readonly file?: string | undefined;
  /** `from`, from the command line. */
  readonly from?: number | undefined;
}

/** @throws {UserError} naming file and key of what is unknown or out of range. */
export async function readLearnerSettings({ file, from }: LearnerSettingsSource): Promise<LearnerSettings> {
  const tree =
    file === undefined ? {} : await readConfigTree(file, 'a mapping of keys such as from, shadow and canary');
  return parseLearnerSettings(from === undefined ? tree : { ...tree, from }, file ?? '--learn-from');
}

/** @param origin for messages */
export function parseLearnerSettings(tree: unknown, origin: string): LearnerSettings {
  const parsed = learnerSchema.safeParse(tree);
  if (parsed.success) return parsed.data;
  throw configError(origin, learnerSchema, tree, parsed.error.issues);
}

const LEAST = 100;

/** Rows below which nothing is learned. */
export function leastRows({ least, from }: Pick<LearnerSettings, 'least' | 'from'>): number {
  return least ?? Math.min(LEAST, from ?? LEAST);
}
