/** Neutral conversations, read and encoded before anything is trained, and a policy measured on them. */
import { isBuiltinSource } from '../data/builtin/source.ts';
import { readConversationRows } from '../data/read-rows.ts';
import type { Engine, RowLogProbs } from '../engine/engine.ts';
import {
  type GeneralScores,
  generalScores,
  lossPerToken,
  type NeutralScore,
} from '../eval/general-ability.ts';
import type { Adapter } from '../model/adapter.ts';
import { DataError } from '../support/errors.ts';
import type { ProgressFactory } from '../support/progress.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { RunConfig } from './config/schema.ts';
import { drawPairs } from './draw-pairs.ts';
import type { TextSide } from './environment.ts';
import { type FixedPolicy, type ScoreOptions, scorePolicy } from './reference.ts';
import { tellLeftOut, textRoom } from './task-rows.ts';

export type NeutralSettings = NonNullable<RunConfig['general']>;

export interface NeutralRows {
  readonly sha256: string;
  /** Positions in the file, from 0. */
  readonly indices: readonly number[];
  /** `chosen` is the response; of `rejected` nothing is read. */
  readonly encoded: readonly EncodedRow[];
}

export interface LoadNeutralOptions {
  readonly text: TextSide;
  /** Put in front of every prompt. */
  readonly softTokens: number;
  readonly invalidRows: 'error' | 'skip';
  readonly log: (line: string) => void;
}

/**
 * The first `limit` valid conversations; invalid ones are errors or left out and told, as a task's rows are.
 * @throws {UserError} for a file or row that cannot be used, naming file, row and field; for a prompt without room
 *   for an answer: a conversation that lost its beginning would be another one.
 */
export async function loadNeutralRows(
  { rows: name, limit, max_new_tokens: longest }: NeutralSettings,
  { text, softTokens, invalidRows, log }: LoadNeutralOptions,
): Promise<NeutralRows> {
  const { file, rows, skipped, sha256 } = await readConversationRows(name, { invalidRows });
  const pairs = rows.map(({ response, ...row }) => ({ ...row, chosen: response, rejected: '' }));
  const maxLength = textRoom(text.maxPositions, text, softTokens);
  const result = text.encodeRows(pairs, { file, maxLength, invalidRows, limit });
  const kept = result.kept.map((position) => rows[position]!);
  tellLeftOut(file, [...skipped, ...result.skipped], log);
  if (kept.length === 0) throw new DataError({ file }, 'no conversations are left that can be encoded');
  if (kept.length < limit && !isBuiltinSource(name)) {
    log(`warning: ${file}: only ${kept.length} conversations can be used; general.limit is ${limit}`);
  }
  const room = maxLength - longest;
  const at = result.encoded.findIndex(({ prompt }) => prompt.length > room);
  if (at !== -1 || result.cutPrompts > 0) {
    const row = at === -1 ? {} : { row: kept[at]!.index + 1 };
    const problem = `a prompt leaves no room for its answer within ${maxLength} tokens`;
    throw new DataError({ file, ...row }, `${problem} (general.max_new_tokens ${longest})`);
  }
  return { sha256, indices: kept.map(({ index }) => index), encoded: result.encoded };
}

export interface GeneralMeasured {
  readonly scores: GeneralScores;
  readonly given: readonly NeutralScore[];
  readonly drawn: readonly NeutralScore[];
}

export interface NeutralOptions {
  readonly engine: Engine;
  readonly endTokens: readonly number[];
  readonly maxNewTokens: number;
  /** Decides what is drawn. */
  readonly seed: number;
  readonly label: string;
  readonly progress?: ProgressFactory | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of given responses, nats per token. */
export async function baseLoss(
  neutral: NeutralRows,
  base: FixedPolicy,
  options: ScoreOptions,
): Promise<number> {
  const known = await base.logProbs(neutral.encoded, options);
  return lossPerToken(neutralScores(neutral, neutral.encoded, 'chosen', known, known), 'base');
}

export async function measureGeneral(
  neutral: NeutralRows,
  adapter: Adapter,
  base: FixedPolicy,
  options: NeutralOptions,
): Promise<GeneralMeasured> {
  const { engine } = options;
  const given = neutralScores(
    neutral,
    neutral.encoded,
    'chosen',
    await scorePolicy(engine, neutral.encoded, adapter, options),
    await base.logProbs(neutral.encoded, options),
  );
  const answers = await drawPairs(
    neutral.encoded.map(({ prompt }) => prompt),
    adapter,
    { ...options, keys: neutral.indices.map((index) => `neutral row ${index}`) },
  );
  const drawn = neutralScores(
    neutral,
    answers,
    'pair',
    await scorePolicy(engine, answers, adapter, options),
    await scorePolicy(engine, answers, null, options),
  );
  return { scores: generalScores(given, drawn), given, drawn };
}

/** Sums over the chosen response, or over both. */
function neutralScores(
  { indices }: NeutralRows,
  rows: readonly EncodedRow[],
  responses: 'chosen' | 'pair',
  policy: RowLogProbs,
  base: RowLogProbs,
): NeutralScore[] {
  const over = (chosen: number, rejected: number) => (responses === 'pair' ? chosen + rejected : chosen);
  return rows.map((row, at) => ({
    index: indices[at]!,
    tokens: over(row.chosen.length, row.rejected.length),
    logp: over(policy.chosen[at]!, policy.rejected[at]!),
    baseLogp: over(base.chosen[at]!, base.rejected[at]!),
  }));
}
