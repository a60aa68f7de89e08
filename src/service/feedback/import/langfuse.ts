/**
 * Langfuse's scores: rows of its table of scores (exported as CSV, JSON or JSONL, or from the API), with what they are
 * about in a further file, its table of traces or observations; or traces with their scores inside (a trace from the
 * API). Written after the fields of its exporter and API, version 3; not checked against a file of a running Langfuse.
 */
import * as z from 'zod';
import {
  type Exchange,
  type FeedbackImporter,
  type Imported,
  type ImportSettings,
  problemOf,
  thumbOf,
} from './importer.ts';
import { exchangeOf } from './langfuse-exchange.ts';

const score = z.looseObject({
  id: z.string().min(1),
  traceId: z.string().nullish(),
  observationId: z.string().nullish(),
  name: z.string(),
  source: z.string().nullish(),
  dataType: z.string().nullish(),
  value: z.union([z.number(), z.string()]).nullish(),
  stringValue: z.string().nullish(),
  comment: z.string().nullish(),
});

const traceWithScores = z.looseObject({
  id: z.string().min(1),
  scores: z.array(z.unknown()),
  observations: z
    .array(z.looseObject({ id: z.string() }))
    .nullish()
    .catch(null),
});

const MOST_TAG = 64;

export const langfuse: FeedbackImporter = {
  name: 'langfuse',
  describes: "Langfuse's scores, with --traces, or its traces with their scores inside",
  takes: ['traces', 'upFrom'],
  recognises: (value) => isScore(value) || isTraceWithScores(value) || isTrace(value),
  read(value, settings) {
    if (isTraceWithScores(value)) return readTrace(value, settings);
    if (!isScore(value) && isTrace(value)) {
      return [
        'scores: the table of traces has their means alone; import the table of scores, this one as --traces',
      ];
    }
    return [readScore(value, settings, settings.traces ?? new Map())];
  },
};

function readTrace(value: unknown, settings: ImportSettings): readonly (Imported | string)[] {
  const parsed = traceWithScores.safeParse(value);
  if (!parsed.success) return [problemOf(parsed.error)];
  const { id, scores, observations } = parsed.data;
  const person = exchangeOf(parsed.data).person;
  const inside = new Map([[id, exchangeOf(parsed.data)]]);
  for (const one of observations ?? []) inside.set(one.id, { ...exchangeOf(one), person });
  return scores.map((one, at) => {
    const made = readScore(one, settings, inside, id);
    return typeof made === 'string' ? `scores[${at}].${made}` : made;
  });
}

function readScore(
  value: unknown,
  settings: ImportSettings,
  exchanges: ReadonlyMap<string, Exchange>,
  trace?: string,
): Imported | string {
  const parsed = score.safeParse(value);
  if (!parsed.success) return problemOf(parsed.error);
  const { id, name, observationId, comment, source } = parsed.data;
  if (source === 'EVAL') return 'source: EVAL; what a program says is no feedback';
  const [field, subject] = observationId
    ? ['observationId', observationId]
    : ['traceId', parsed.data.traceId ?? trace];
  if (!subject) return 'traceId: missing; a score of a session says nothing about an answer';
  const about = exchanges.get(subject);
  if (!about) return `${field}: ${JSON.stringify(subject)} is in no file of --traces`;
  if (about.prompt === null || about.answer === null) {
    const missing = about.prompt === null ? 'input' : 'output';
    return `${field}: the ${missing} of ${JSON.stringify(subject)} is neither a text nor a chat`;
  }
  const said = saidBy(parsed.data, settings);
  if (typeof said === 'string') return said;
  return {
    id,
    request: {
      ...{ prompt: about.prompt, answer: about.answer, ...said },
      ...(comment && !said.comment ? { comment } : {}),
      ...(about.person === null ? {} : { person: about.person }),
      ...(name === '' ? {} : { tags: [name.slice(0, MOST_TAG)] }),
    },
  };
}

function saidBy(
  { dataType, value, stringValue }: z.output<typeof score>,
  settings: ImportSettings,
): { rating?: string; edited?: string; comment?: string } | string {
  const text = stringValue ?? (typeof value === 'string' ? value : null);
  if (dataType === 'CORRECTION' || dataType === 'TEXT') {
    if (!text) return 'stringValue: missing';
    return dataType === 'TEXT' ? { comment: text } : { edited: text };
  }
  if (dataType === 'CATEGORICAL')
    return `dataType: CATEGORICAL (${JSON.stringify(text)}) is no thumb up or down`;
  const number = value == null || value === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) return `value: expected a number, got ${JSON.stringify(value ?? null)}`;
  if (dataType === 'BOOLEAN') return { rating: number > 0 ? 'up' : 'down' };
  const thumb = thumbOf(number, settings);
  return typeof thumb === 'string' ? { rating: thumb } : `value: ${thumb.problem}`;
}

const has = (value: unknown, ...names: readonly string[]) =>
  typeof value === 'object' && value !== null && names.every((name) => name in value);

const isScore = (value: unknown) => has(value, 'traceId', 'name', 'value') && !has(value, 'input');
const isTraceWithScores = (value: unknown) =>
  has(value, 'id', 'input', 'scores') && Array.isArray((value as { scores: unknown }).scores);
const isTrace = (value: unknown) => has(value, 'id', 'input', 'output', 'sessionId', 'userId');
