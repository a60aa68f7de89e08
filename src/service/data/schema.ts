/** What is said of an uploaded file of preference rows: `data check`, over HTTP. */
import * as z from 'zod';

const lengths = z
  .object({ min: z.int(), p50: z.int(), p90: z.int(), p99: z.int(), max: z.int() })
  .nullable()
  .meta({ description: 'Nearest-rank quantiles, in characters.' });

export const dataCheckSchema = z.object({
  format: z.string(),
  rows: z.string().meta({ description: 'The shape that was recognised.' }),
  recognised_by: z.string(),
  sha256: z.string(),
  count: z.int(),
  valid: z.int(),
  invalid: z.object({
    count: z.int(),
    first: z.array(z.object({ row: z.int(), field: z.string(), problem: z.string() })),
  }),
  duplicates: z.object({ prompts: z.int(), rows: z.int() }),
  characters: z.object({ prompt: lengths, chosen: lengths, rejected: lengths }),
  preview: z.array(z.object({ prompt: z.array(z.unknown()), chosen: z.string(), rejected: z.string() })),
});
export type DataCheck = z.output<typeof dataCheckSchema>;
