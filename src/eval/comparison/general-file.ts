/** tasks/<k>-<name>/general.json: the policy on neutral conversations after a task, row by row. */
import { existsSync } from 'node:fs';
import * as z from 'zod';
import type { GeneralScores, NeutralScore } from '../general-ability.ts';
import { readRunJson } from '../run-file.ts';

export interface GeneralRecord extends GeneralScores {
  /** Of given responses. */
  readonly given: readonly NeutralScore[];
  /** Of answers that the policy drew itself, to the same prompts. */
  readonly drawn: readonly NeutralScore[];
}

const neutralRows = z
  .array(z.object({ index: z.int(), tokens: z.int().positive(), logp: z.number(), base_logp: z.number() }))
  .default([]);

const generalFile = z.looseObject({
  loss: z.number(),
  base_loss: z.number(),
  kl: z.number(),
  loss_rows: neutralRows,
  kl_rows: neutralRows,
});

/** `null` where there is no such file. @throws {DataError} naming one that is not what a run writes. */
export async function readGeneral(file: string): Promise<GeneralRecord | null> {
  if (!existsSync(file)) return null;
  const {
    loss,
    base_loss: baseLoss,
    kl,
    loss_rows: given,
    kl_rows: drawn,
  } = await readRunJson(generalFile, file);
  return { loss, baseLoss, kl, given: given.map(neutralScore), drawn: drawn.map(neutralScore) };
}

function neutralScore({ base_logp: baseLogp, ...row }: z.output<typeof neutralRows>[number]): NeutralScore {
  return { ...row, baseLogp };
}
