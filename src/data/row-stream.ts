/**
 * Files of any recognised shape as a stream of checked rows: what `train`, `score`, `generate` and the `data`
 * commands read through. The shape is told from the first records; every record then goes the same way.
 */
import { UserError } from '../support/errors.ts';
import type { Batches, DataRecord } from './files/record.ts';
import { defaultReading, type Format, type ReadingOptions } from './formats/format.ts';
import { findFormat } from './formats/index.ts';
import { type Recognition, recognise, SAMPLE } from './formats/recognise.ts';
import {
  caught,
  type Fields,
  InvalidRow,
  isGiven,
  isObject,
  isProblem,
  kindOf,
  type RowProblem,
} from './invalid-row.ts';
import { type LabelSummary, PairUp } from './pair-up.ts';
import { type Parsed, parseConversationRow, parsePreferenceRow, parsePromptRow } from './parse-row.ts';
import type { ConversationRow, PreferenceRow, PromptRow } from './row.ts';
import { openSource, type Source } from './source.ts';

export interface StreamOptions {
  /** The name of a shape, where it shall not be recognised. */
  readonly format?: string;
  /** Names of the file's columns by the names that a shape has for them. */
  readonly columns?: Readonly<Record<string, string>>;
  readonly reading?: ReadingOptions;
  readonly onBytes?: (bytes: number) => void;
}

export interface SkippedRow extends RowProblem {
  /** Counted from 1. */
  readonly row: number;
  /** The line of a JSONL file, counted from 1. */
  readonly line?: number;
}

export type RowResult<Row> = Parsed<Row> | SkippedRow;

export interface RowStream<Row> {
  readonly file: string;
  readonly container: Source['container'];
  readonly compressed: boolean;
  readonly recognition: Recognition;
  /** To be gone through once. */
  readonly results: AsyncGenerator<readonly RowResult<Row>[]>;
  /** Of the file's bytes; known once `results` has ended. */
  sha256(): Promise<string>;
  /** As the three below; known once `results` has ended. */
  summary(): StreamSummary;
}

export interface StreamSummary {
  readonly records: number;
  /** Of answers with a label. */
  readonly labels: LabelSummary | null;
  /** Records that are valid and give no row, by reason. */
  readonly unused: Readonly<Record<string, number>>;
}

/** @throws {UserError} for a file that cannot be read, is broken, or whose shape is not known for certain. */
export async function openPreferenceRows(
  file: string,
  options: StreamOptions = {},
): Promise<RowStream<PreferenceRow>> {
  const source = await openRecognised(file, options);
  const { format } = source.recognition;
  const reading = options.reading ?? defaultReading;
  const pairing = new PairUp();
  return source.rows((fields, index, counts) => {
    const found = format.read(fields, reading);
    if (found.kind === 'labelled') {
      const row = pairing.take(found.fields, found.liked, index);
      counts.labels = pairing;
      return row === undefined ? [] : [row];
    }
    if (found.unused !== undefined) counts.leaveOut(found.unused);
    return found.pairs.map((pair) => parsePreferenceRow(checkedCells(pair, source.container), index));
  });
}

/** As `openPreferenceRows`, for rows of which only the prompt is needed: any record that has one will do. */
export async function openPromptRows(
  file: string,
  options: StreamOptions = {},
): Promise<RowStream<PromptRow>> {
  const source = await openRecognised(file, options, ['prompt', 'query']);
  const { format } = source.recognition;
  return source.rows((fields, index) => {
    const plain = isGiven(fields['prompt']) || isGiven(fields['query']);
    const found = plain ? undefined : format.read(fields, defaultReading);
    const raw =
      found === undefined ? fields : found.kind === 'labelled' ? found.fields : (found.pairs[0] ?? fields);
    return [parsePromptRow(checkedCells(raw, source.container), index)];
  });
}

/** As `openPreferenceRows`, for our own rows with one response. */
export async function openConversationRows(file: string): Promise<RowStream<ConversationRow>> {
  const source = await openRecognised(file, { format: 'preference' });
  return source.rows((fields, index) => [
    parseConversationRow(checkedCells(fields, source.container), index),
  ]);
}

class Counts {
  labels: PairUp | null = null;
  records = 0;
  readonly unused: Record<string, number> = {};

  leaveOut(reason: string): void {
    this.unused[reason] = (this.unused[reason] ?? 0) + 1;
  }
}

type ReadRecord<Row> = (
  fields: Fields,
  index: number,
  counts: Counts,
) => readonly (Parsed<Row> | RowProblem)[];

/** @param enough fields by any of which a record needs no shape */
async function openRecognised(file: string, options: StreamOptions, enough: readonly string[] = []) {
  const source = await openSource(file, options.onBytes);
  const renamed = renaming(source.batches, options.columns);
  const { sample, batches } = await sampled(renamed);
  const recognition = recogniseSource(source, sample, options, enough);
  const { format } = recognition;
  return {
    recognition,
    container: source.container,
    rows<Row>(read: ReadRecord<Row>): RowStream<Row> {
      const counts = new Counts();
      return {
        file: source.file,
        container: source.container,
        compressed: source.compressed,
        recognition,
        results: results(batches, format, read, counts),
        sha256: () => source.sha256(),
        summary: () => ({
          records: counts.records,
          labels: counts.labels?.summary() ?? null,
          unused: counts.unused,
        }),
      };
    },
  };
}

function recogniseSource(
  source: Source,
  sample: readonly DataRecord[],
  options: StreamOptions,
  enough: readonly string[],
): Recognition {
  if (options.format !== undefined) return { format: findFormat(options.format), reason: 'asked for' };
  if (source.format !== undefined) return { format: source.format, reason: 'as dataset_info.json says' };
  const plain = sample.some(({ value }) => isObject(value) && enough.some((name) => isGiven(value[name])));
  return plain ? { format: findFormat('preference'), reason: 'a prompt' } : recognise(source.file, sample);
}

async function* results<Row>(
  batches: Batches,
  format: Format,
  read: ReadRecord<Row>,
  counts: Counts,
): AsyncGenerator<readonly RowResult<Row>[]> {
  for await (const batch of batches) {
    yield batch.flatMap((record) => {
      counts.records++;
      const found = record.problem ?? caught(() => read(fieldsOf(record.value), record.row - 1, counts));
      const each = Array.isArray(found)
        ? (found as readonly (Parsed<Row> | RowProblem)[])
        : [found as RowProblem];
      return each.map((one) => (isProblem(one) ? skippedRow(record, named(one, format)) : one));
    });
  }
}

export function skippedRow({ row, line }: DataRecord, { field, problem }: RowProblem): SkippedRow {
  return { row, ...(line === undefined ? {} : { line }), field, problem };
}

/** The problem under the field's name in the file. */
function named({ field, problem }: RowProblem, { names }: Format): RowProblem {
  const [first = ''] = field.split(/[[.]/, 1);
  const name = names?.[first];
  return name === undefined ? { field, problem } : { field: name + field.slice(first.length), problem };
}

function fieldsOf(value: unknown): Fields {
  if (isObject(value)) return value;
  throw new InvalidRow('', `expected a row {query or prompt, chosen, rejected}, found ${kindOf(value)}`);
}

/** CSV holds texts: a list of messages written as one would become something that somebody said. */
function checkedCells(fields: Fields, container: Source['container']): Fields {
  if (container !== 'csv') return fields;
  for (const name of ['prompt', 'query', 'chosen', 'rejected']) {
    const value = fields[name];
    if (typeof value === 'string' && /^\s*\[\s*\{\s*['"](role|content|from|value)['"]\s*:/.test(value)) {
      throw new InvalidRow(
        name,
        'a list of messages written as a text; use JSONL or Parquet for conversations',
      );
    }
  }
  return fields;
}

async function* renaming(batches: Batches, columns: StreamOptions['columns']): Batches {
  const renames = Object.entries(columns ?? {});
  for await (const batch of batches) {
    yield renames.length === 0
      ? batch
      : batch.map((record) => ({ ...record, value: renamed(record.value, renames) }));
  }
}

function renamed(value: unknown, renames: readonly (readonly [string, string])[]): unknown {
  if (!isObject(value)) return value;
  const taken = new Set(renames.flat());
  const rest = Object.entries(value).filter(([name]) => !taken.has(name));
  return Object.fromEntries([...rest, ...renames.map(([name, column]) => [name, value[column]])]);
}

/** The first records, and all of them. */
async function sampled(batches: Batches): Promise<{ sample: DataRecord[]; batches: Batches }> {
  const first: (readonly DataRecord[])[] = [];
  let count = 0;
  while (count < SAMPLE) {
    const next = await batches.next();
    if (next.done) break;
    first.push(next.value);
    count += next.value.length;
  }
  async function* all(): Batches {
    yield* first;
    first.length = 0;
    yield* batches;
  }
  return { sample: first.flat().slice(0, SAMPLE), batches: all() };
}

/** What a reader should know about how a file was read, beyond its rows: nothing for our own plain rows. */
export function readingNotes({ file, container, recognition, summary }: RowStream<unknown>): string[] {
  const { labels, unused } = summary();
  const { format, reason } = recognition;
  const plain = format.name === 'preference';
  return [
    ...(plain
      ? []
      : [
          `${file}: read as ${format.name}${container === 'json' || container === 'jsonl' ? '' : ` (${container})`}: ${reason}`,
        ]),
    ...(labels === null ? [] : [labelNote(file, labels)]),
    ...Object.entries(unused).map(([why, count]) => `${file}: ${count} records give no row: ${why}`),
  ];
}

function labelNote(
  file: string,
  { liked, disliked, unpaired, prompts, promptsWithBoth }: LabelSummary,
): string {
  return (
    `${file}: ${liked} answers liked, ${disliked} not; ${promptsWithBoth} of ${prompts} prompts have both; ` +
    `${unpaired} answers have no counterpart and are left out (objectives take pairs, kto too)`
  );
}

/** @throws {UserError} unless it is `name=COLUMN,...`. */
export function columnsOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='));
  const wrong = pairs.find((pair) => pair.length !== 2 || pair.some((part) => part.trim() === ''));
  if (wrong) throw new UserError(`--columns ${text}: expected name=COLUMN, with commas between several`);
  return Object.fromEntries(pairs.map(([name = '', column = '']) => [name.trim(), column.trim()]));
}
