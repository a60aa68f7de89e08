/** `/v1/memories`: what the memories behind the models have learned, version by version; reverting and dropping. */
import * as z from 'zod';
import type { CommitMetrics } from '../../memory/store/records.ts';
import { UserError } from '../../support/errors.ts';
import { ApiError } from '../api-error.ts';
import { json, type Route, route } from '../http/route.ts';
import { audit } from '../keys/audit.ts';
import type { Store } from '../store/open.ts';
import { drop, type MeasureDrop, revert } from './change.ts';
import {
  describeVersion,
  listMoves,
  listVersions,
  matrixOf,
  type ServedMemory,
  sampleRows,
  summarise,
} from './describe.ts';
import {
  dropSchema,
  effectSchema,
  matrixSchema,
  memorySchema,
  moveSchema,
  revertSchema,
  samplesSchema,
  versionDetailSchema,
  versionSchema,
} from './schema.ts';

export interface MemoryRoutesOptions {
  readonly memories: readonly ServedMemory[];
  readonly store: Store;
  /** Left out: effects are told as they were recorded. */
  readonly measureDrop?: MeasureDrop | undefined;
}

const NOT_FOUND = { 404: 'There is no such memory or version.' };
const CHANGE = {
  ...NOT_FOUND,
  409: 'The head has moved since the dry run, or another process is writing the memory.',
};

const samplesQuery = z.strictObject({ count: z.coerce.number().int().min(1).max(20).default(2) });
const list = <Item extends z.ZodType>(item: Item) =>
  z.object({ object: z.literal('list'), data: z.array(item) });

export function memoryRoutes({ memories, store, measureDrop }: MemoryRoutesOptions): readonly Route[] {
  const find = (params: Readonly<Record<string, string>>) => {
    const memory = memories.find(({ name }) => name === params['memory']);
    if (memory) return memory;
    throw new ApiError(404, 'there is no such memory here', { code: 'memory_not_found' });
  };
  const read = <Schema extends z.ZodType>(
    path: string,
    { summary, response }: { readonly summary: string; readonly response: Schema },
    look: (memory: ServedMemory, version: string) => Promise<unknown>,
  ) =>
    route({
      method: 'get',
      path: `/v1/memories/{memory}${path}`,
      access: 'review',
      documentation: { summary, response, statuses: NOT_FOUND },
      handle: async ({ params }) => json(await asked(look(find(params), params['version'] ?? ''))),
    });
  const measured = measureDrop && onceAtATime(measureDrop);
  const asked = <T>(work: Promise<T>): Promise<T> => work.catch(notThere);
  return [
    route({
      method: 'get',
      path: '/v1/memories',
      access: 'review',
      documentation: { summary: 'The memories behind the models.', response: list(memorySchema) },
      handle: async () => json({ object: 'list', data: await asked(Promise.all(memories.map(summarise))) }),
    }),
    read(
      '/versions',
      { summary: 'All versions that were ever made, the newest first.', response: list(versionSchema) },
      async (memory) => ({ object: 'list', data: await listVersions(memory.store) }),
    ),
    read(
      '/versions/{version}',
      { summary: 'One version explained, with its matrices and the gate.', response: versionDetailSchema },
      describeVersion,
    ),
    route({
      method: 'get',
      path: '/v1/memories/{memory}/versions/{version}/samples',
      access: 'review',
      documentation: {
        summary: 'Prompts of its tasks that nothing was trained on, with the preferred answer.',
        response: list(samplesSchema.element),
        statuses: NOT_FOUND,
      },
      query: samplesQuery,
      handle: async ({ params, query }) => {
        const data = await asked(sampleRows(find(params).store, params['version'] as string, query.count));
        return json({ object: 'list', data });
      },
    }),
    read(
      '/matrix',
      { summary: 'Preference accuracy of every task over time, up to the head.', response: matrixSchema },
      (memory) => matrixOf(memory.store),
    ),
    read(
      '/moves',
      { summary: 'Where the head has been, the newest first.', response: list(moveSchema) },
      async (memory) => ({ object: 'list', data: await listMoves(memory.store) }),
    ),
    route({
      method: 'post',
      path: '/v1/memories/{memory}/revert',
      access: 'admin',
      documentation: {
        summary: 'Makes a version the head again; with "dry_run": true only tells the effect.',
        response: effectSchema,
        statuses: CHANGE,
      },
      body: revertSchema,
      async handle({ params, body, caller }) {
        const { name, store: memory } = find(params);
        const effect = await asked(revert(memory, body));
        if (effect.done) {
          const detail = { from: effect.from, to: effect.to };
          await audit(store.db, { actor: caller.id, action: 'memory.revert', target: name, detail });
        }
        return json(effect);
      },
    }),
    route({
      method: 'post',
      path: '/v1/memories/{memory}/drop',
      access: 'admin',
      documentation: {
        summary:
          'Takes a task out of the head and removes its rows; with "dry_run": true only tells the effect.',
        response: effectSchema,
        statuses: CHANGE,
      },
      body: dropSchema,
      async handle({ params, body, caller, signal }) {
        const { name, store: memory } = find(params);
        const measure = (body.measure && measured) || null;
        const effect = await asked(drop(memory, { ...body, measure }, signal));
        if (effect.done) {
          const detail = { task: body.task, from: effect.from, to: effect.to, rows: effect.rows_withdrawn };
          await audit(store.db, { actor: caller.id, action: 'memory.drop', target: name, detail });
        }
        return json(effect);
      },
    }),
  ];
}

/** The newest result is kept: what was shown in a dry run need not be measured again to be done. */
function onceAtATime(measure: MeasureDrop): MeasureDrop {
  let running = false;
  let last: { readonly key: string; readonly metrics: CommitMetrics } | null = null;
  return async (memory, plan, signal) => {
    const key = [memory.folder, plan.onto.hash, plan.task].join('\n');
    if (last?.key === key) return last.metrics;
    if (running) throw new ApiError(409, 'another effect is being measured', { code: 'measuring' });
    running = true;
    try {
      const metrics = await measure(memory, plan, signal);
      last = { key, metrics };
      return metrics;
    } finally {
      running = false;
    }
  };
}

/** What a version or task is asked for by is the path or the body: whoever asks for one that is not there is told so. */
function notThere(error: unknown): never {
  if (!(error instanceof UserError) || error.exitCode !== 2) throw error;
  // Messages begin with the memory's folder, which is the server's own affair.
  const message = error.message.replace(/^.*?: (?=version )/, '');
  // Such as a damaged file: nothing that whoever asks could do about, and the log says which.
  if (!message.startsWith('version ')) throw new Error(error.message, { cause: error });
  throw new ApiError(404, message, { cause: error, code: 'version_not_found' });
}
