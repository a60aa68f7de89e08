/** A piece of feedback as whoever reviews it sees it. */
import * as z from 'zod';
import { KINDS } from './request.ts';

export const STATUSES = ['pending', 'accepted', 'rejected'] as const;
export type Status = (typeof STATUSES)[number];

export const itemSchema = z.object({
  id: z.string(),
  created_at: z.int(),
  status: z.enum(STATUSES),
  kind: z.enum(KINDS),
  source: z.string(),
  person: z.string().nullable(),
  completion_id: z.string().nullable(),
  model: z.string().nullable(),
  prompt: z.array(z.unknown()).nullable(),
  answer: z.string().nullable(),
  chosen: z.string().nullable(),
  rejected: z.string().nullable(),
  rating: z.enum(['up', 'down']).nullable(),
  comment: z.string().nullable(),
  tags: z.array(z.string()),
  decided_at: z.int().nullable(),
  decided_by: z.string().nullable(),
  same: z
    .int()
    .meta({ description: 'Pieces of feedback of this status that say the same, this one included.' }),
  contradicting: z.int().meta({ description: 'Pieces of feedback that say something else about the same.' }),
});

export type ReviewItem = z.output<typeof itemSchema>;
