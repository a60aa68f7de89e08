/** The keys of a bench's config. What they mean together is checked in read.ts. */
import * as z from 'zod';

/** A name that stands in tables and in names of folders. */
const label = z
  .string()
  .max(60)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9 ,._+-]*$/,
    'expected letters, digits, spaces and ",._+-", beginning with a letter or digit',
  );

/** Values by dotted key of a run's config: `{stages.sft.epochs: 1}`. */
const changes = z.record(z.string().min(1), z.unknown());

const seeds = z.array(z.int().min(0)).min(1);

export const benchSchema = z.strictObject({
  /**
   * As a config of `train`, without `method` and `seed`; `{seed}` and `{split}` may stand in its tasks' paths. Its
   * `lora`, `replay` and `consolidation` are for the methods that have such a part by themselves.
   */
  base_config: z.record(z.string(), z.unknown()),
  methods: z
    .array(
      z.strictObject({
        name: z.string(),
        /** Left out: the name. */
        label: label.nullable().default(null),
        set: changes.default({}),
        /** Instead of those of `tuning`, and as many. */
        trials: z.array(changes).min(1).nullable().default(null),
        /** The label of a method whose chosen trial this one takes, without trials of its own. */
        tuned_as: label.nullable().default(null),
      }),
    )
    .min(1),
  /** LifeAlign with the focal loss only, consolidation only and neither; replay is on in all. */
  ablations: z.boolean().default(false),
  /** Orders of the tasks by name; left out: as they are given. */
  orders: z.record(label, z.array(z.string()).min(1)).default({}),
  /** Instead of `base_config.base`. */
  bases: z.array(z.string().min(1)).default([]),
  seeds: seeds.default([0]),
  /** LifeAlign with each of the values, everything else as it is. */
  sweeps: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        values: z.array(z.union([z.number(), z.string(), z.boolean()])).min(1),
      }),
    )
    .default([]),
  /** As many trials for every method, of which validation rows choose; a single one is not run. Null: none. */
  tuning: z
    .strictObject({
      trials: z.array(changes).min(1),
      /** None of the reported ones. */
      seeds,
      /** The rows that decide; test rows never do. */
      split: z.literal('validation').default('validation'),
    })
    .nullable()
    .default(null),
});

export type BenchSettings = z.output<typeof benchSchema>;
