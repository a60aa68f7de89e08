/**
 * `lifealign metrics`: numbers from files, as JSON on standard output and without a model: text scores of
 * predictions against references, or what a result matrix says of learning and forgetting.
 */
import type { Command } from 'commander';
import type { DataRecord } from '../../data/files/record.ts';
import type { BaseRow, ResultMatrix } from '../../eval/matrix.ts';
import type { AnswerScores, FurtherScores, TextPair } from '../../eval/text-metrics/index.ts';
import { DataError, type DataLocation, UserError } from '../../support/errors.ts';

interface MetricsOptions {
  readonly predictions?: string;
  readonly matrix?: string;
  readonly all: boolean;
}

export function registerMetrics(program: Command): void {
  program
    .command('metrics')
    .description(
      'text scores of predictions, or Last, BWT, AP, FWT and forgetting of a result matrix, as JSON',
    )
    .option('--predictions <file>', 'JSON, JSONL, CSV or Parquet of {prediction, reference}')
    .option(
      '--matrix <file>',
      'JSON {"matrix": m, "base": b}; m[i][j] is the score on task j after task i, b[j] before training (for FWT)',
    )
    .option('--all', 'with --predictions: word-level BLEU, chrF2 and distinct-n too', false)
    .action(metrics);
}

async function metrics({ predictions, matrix, all }: MetricsOptions): Promise<void> {
  if ((predictions === undefined) === (matrix === undefined)) {
    throw new UserError('expected either --predictions or --matrix');
  }
  if (all && predictions === undefined) throw new UserError('--all goes with --predictions');
  const report = predictions === undefined ? await ofMatrix(matrix!) : await ofPredictions(predictions, all);
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

async function ofPredictions(file: string, all: boolean): Promise<object> {
  const { readRecords } = await import('../../data/records.ts');
  const { scoreAnswers, scoreAnswersFurther } = await import('../../eval/text-metrics/index.ts');
  const records = await readRecords(file);
  const pairs = records.map((record) => textPair(file, record));
  const { rows, mean } = scoreAnswers(pairs);
  const further = all ? scoreAnswersFurther(pairs) : undefined;
  return {
    count: rows.length,
    ...named(mean),
    ...(further === undefined ? {} : namedFurther(further)),
    rows: rows.map((row, at) => ({
      ...named(row),
      ...(further === undefined ? {} : namedFurtherOfRow(further.rows[at]!)),
    })),
  };
}

function textPair(file: string, { row, line, value }: DataRecord): TextPair {
  const where = { file, row, ...(line === undefined ? {} : { line }) };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DataError(where, 'expected an object {"prediction": text, "reference": text}');
  }
  const text = (field: keyof TextPair): string => {
    const found = Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
    if (typeof found === 'string') return found;
    const problem = found === undefined ? 'it is missing' : `got ${JSON.stringify(found).slice(0, 40)}`;
    throw new DataError({ ...where, field }, `expected a text, which may be empty; ${problem}`);
  };
  return { prediction: text('prediction'), reference: text('reference') };
}

const named = ({ bleu4, rouge1, rouge2, rougeL }: AnswerScores) => ({
  'bleu-4': bleu4,
  'rouge-1': rouge1,
  'rouge-2': rouge2,
  'rouge-l': rougeL,
});

const namedFurther = ({ corpusWordBleu, corpusChrf2, distinct1, distinct2 }: FurtherScores) => ({
  'corpus-word-bleu': corpusWordBleu,
  'corpus-chrf2': corpusChrf2,
  'distinct-1': distinct1,
  'distinct-2': distinct2,
});

const namedFurtherOfRow = ({ sentenceWordBleu, sentenceChrf2 }: FurtherScores['rows'][number]) => ({
  'sentence-word-bleu': sentenceWordBleu,
  'sentence-chrf2': sentenceChrf2,
});

async function ofMatrix(file: string): Promise<object> {
  const { parseJsonFile } = await import('../../support/json.ts');
  const { summariseMatrix, summariseTransfer } = await import('../../eval/matrix.ts');
  const content = await parseJsonFile(file);
  const matrix = resultMatrix(file, content);
  const { last, bwt, ap } = summariseMatrix(matrix);
  const { fwt, forgetting } = summariseTransfer(matrix, baseRow(file, content, matrix.length));
  return { last, bwt, ap, fwt, forgetting };
}

/** A row may leave out the tasks still to come; a score that was not measured is `null`. */
function resultMatrix(file: string, content: unknown): ResultMatrix {
  const matrix = field(content, 'matrix');
  if (!Array.isArray(matrix) || matrix.length === 0) {
    const problem = 'expected {"matrix": rows}, with a row of scores for each task, at least one';
    throw new DataError({ file, field: 'matrix' }, problem);
  }
  for (const [index, row] of matrix.entries()) {
    const where = { file, row: index + 1, field: 'matrix' };
    checkScores(row, where, { least: index + 1, most: matrix.length });
  }
  return matrix;
}

/** One score per task; without it nothing is known of the time before training. */
function baseRow(file: string, content: unknown, tasks: number): BaseRow {
  const base = field(content, 'base');
  if (base === undefined) return [];
  checkScores(base, { file, field: 'base' }, { least: tasks, most: tasks });
  return base;
}

function field(content: unknown, name: string): unknown {
  const isObject = typeof content === 'object' && content !== null;
  return isObject && Object.hasOwn(content, name) ? (content as Record<string, unknown>)[name] : undefined;
}

/** @throws {DataError} unless it is a list of so many numbers and `null`s. */
function checkScores(
  row: unknown,
  where: DataLocation,
  { least, most }: { readonly least: number; readonly most: number },
): asserts row is (number | null)[] {
  if (!Array.isArray(row) || row.length < least || row.length > most) {
    const counts = least === most ? `${least}` : `${least} to ${most}`;
    const got = Array.isArray(row) ? `${row.length}` : JSON.stringify(row).slice(0, 40);
    throw new DataError(where, `expected a list of ${counts} scores, got ${got}`);
  }
  const wrong = row.findIndex((score) => score !== null && !Number.isFinite(score));
  if (wrong >= 0) {
    const got = typeof row[wrong] === 'number' ? 'a number too large' : JSON.stringify(row[wrong]);
    throw new DataError(where, `score ${wrong + 1}: expected a number or null, got ${got.slice(0, 40)}`);
  }
}
