/** `/v1/data/check`: a file of preference rows looked at before anything is trained on it. It is not kept. */
import { checkReport, inspectRows } from '../../data/inspect.ts';
import { openPreferenceRows } from '../../data/row-stream.ts';
import { UserError } from '../../support/errors.ts';
import { ApiError } from '../api-error.ts';
import { json, type Route, route } from '../http/route.ts';
import { dataCheckSchema } from './schema.ts';

/** Of its problems, those that are listed; of its rows, those that are shown. */
const MOST_PROBLEMS = 100;
const SHOWN = 5;

export function dataRoutes(): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/data/check',
      access: 'review',
      documentation: {
        summary: 'What a file of preference rows holds and what is wrong with it; it is deleted afterwards.',
        response: dataCheckSchema,
      },
      upload: true,
      handle: ({ upload }) => upload('rows', async (file) => json(dataCheckSchema.parse(await check(file)))),
    }),
  ];
}

/** @throws {ApiError} 400 for a file that cannot be read, or whose shape is not known */
async function check(file: string) {
  try {
    const stream = await openPreferenceRows(file);
    const found = await inspectRows(stream, { preview: SHOWN });
    const invalid = found.invalid.toSorted((a, b) => a.row - b.row);
    return {
      ...checkReport(stream, found),
      invalid: {
        count: invalid.length,
        first: invalid.slice(0, MOST_PROBLEMS).map(({ row, field, problem }) => ({ row, field, problem })),
      },
      characters: found.characters,
      preview: found.preview.map(({ prompt, chosen, rejected }) => ({ prompt, chosen, rejected })),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new ApiError(400, error.message.replaceAll(file, 'the file'), { cause: error });
  }
}
