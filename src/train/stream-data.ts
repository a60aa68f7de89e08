/**
 * The stream's rows as the engine takes them, read, checked and encoded before anything is trained or
 * written: a response too long in the last task's test file stops the run now, not in two hours.
 */
import type { RowsFile } from '../data/read-rows.ts';
import type { PreferenceRow } from '../data/row.ts';
import { loadTasks } from '../data/task.ts';
import { DataError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { RunConfig } from './config/schema.ts';
import type { TextSide } from './environment.ts';

export interface TaskRows {
  readonly file: string;
  /** Of the file's bytes. */
  readonly sha256: string;
  readonly rows: readonly PreferenceRow[];
  /** `encoded[i]` is `rows[i]`. */
  readonly encoded: readonly EncodedRow[];
}

export interface StreamTask {
  readonly name: string;
  readonly train: TaskRows;
  readonly test: TaskRows;
}

export interface StreamData {
  readonly tasks: readonly StreamTask[];
  /** Prompts that lost their beginning to fit `max_length`. */
  readonly cutPrompts: number;
  /** Invalid rows left out under `invalid_rows: skip`. */
  readonly skippedRows: number;
}

/**
 * @throws {UserError} for a file or row that cannot be used, naming file, row and field.
 */
export async function loadStream(
  config: RunConfig,
  text: TextSide,
  log: (line: string) => void,
): Promise<StreamData> {
  let cutPrompts = 0;
  let skippedRows = 0;
  const maxLength = Math.min(config.max_length, text.maxPositions);
  if (maxLength < config.max_length) {
    log(
      `warning: max_length ${config.max_length} is beyond the base's ${maxLength} positions, which hold instead`,
    );
  }

  const encode = (source: RowsFile<PreferenceRow>): TaskRows => {
    const { file, sha256 } = source;
    const options = { file, maxLength, invalidRows: config.invalid_rows };
    const { encoded, kept, cutPrompts: cut, skipped } = text.encodeRows(source.rows, options);
    if (encoded.length === 0) throw new DataError({ file }, 'no rows are left that can be encoded');
    for (const { row, field, problem } of [...source.skipped, ...skipped]) {
      log(`${file}: row ${row} is left out: ${field === '' ? '' : `field "${field}": `}${problem}`);
    }
    if (cut > 0) log(`${file}: ${cut} prompts cut at the left to fit ${maxLength} tokens`);
    cutPrompts += cut;
    skippedRows += source.skipped.length + skipped.length;
    return { file, sha256, rows: kept.map((position) => source.rows[position]!), encoded };
  };

  const loaded = await loadTasks(config.tasks, { folder: '.', invalidRows: config.invalid_rows });
  const tasks = loaded.map(({ name, train, test, overlap }): StreamTask => {
    if (overlap > 0) {
      log(
        `warning: task ${name}: ${overlap} of ${test.rows.length} test rows have a prompt of its training rows`,
      );
    }
    return { name, train: encode(train), test: encode(test) };
  });
  return { tasks, cutPrompts, skippedRows };
}

/** A task's test rows as scores name them. */
export function scoredRows({ rows, encoded }: TaskRows) {
  return encoded.map(({ chosen, rejected }, at) => ({
    index: rows[at]!.index,
    chosenTokens: chosen.length,
    rejectedTokens: rejected.length,
  }));
}
