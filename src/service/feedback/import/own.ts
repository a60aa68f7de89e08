/** Our own form: the body of `POST /v1/feedback`, with an `id` beside it. */
import * as z from 'zod';
import type { FeedbackImporter } from './importer.ts';

const record = z.looseObject({ id: z.string().min(1) });

export const own: FeedbackImporter = {
  name: 'lifealign',
  describes: 'bodies of POST /v1/feedback, each with an "id" beside it',
  takes: [],
  recognises: (value) => typeof value === 'object' && value !== null && 'id' in value,
  read(value) {
    const parsed = record.safeParse(value);
    if (!parsed.success) return ['id: missing; expected a text that names the record'];
    const { id, ...request } = parsed.data;
    return [{ id, request }];
  },
};
