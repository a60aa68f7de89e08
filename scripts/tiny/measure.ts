/**
 * What a base makes of the built-in tasks before it is trained on them: its preference accuracy on test rows,
 * and answers to a few test queries. For choosing the tasks' `corpusShare`.
 *
 *     npx tsx scripts/tiny/measure.ts [folder, models/tiny unless told] [rows per task, 200]
 */
import { fileURLToPath } from 'node:url';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { builtinRows } from '../../src/data/builtin/rows.ts';
import type { BuiltinTask } from '../../src/data/builtin/task.ts';
import { preferenceScores, rowScores } from '../../src/eval/preference.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { type BaseModel, openBaseModel } from '../../src/train/base-model.ts';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../models/tiny', import.meta.url));
const rowsPerTask = Number(process.argv[3] ?? 200);
const answersPerTask = 4;

async function measure(base: BaseModel, task: BuiltinTask): Promise<void> {
  const { text, engine, model } = base;
  const rows = builtinRows(task, 'test', rowsPerTask, 0).map(({ query, chosen, rejected }, index) => ({
    index,
    prompt: [{ role: 'user', content: query }],
    chosen,
    rejected,
  }));
  const file = `builtin:${task.name}/test`;
  const options = { file, maxLength: model.config.maxPositions, invalidRows: 'error' } as const;
  const { encoded } = encodeRows(rows, text, options);
  const logps = await engine.score(encoded, null);
  const lengths = encoded.map(({ chosen, rejected }, index) => ({
    index,
    chosenTokens: chosen.length,
    rejectedTokens: rejected.length,
  }));
  const { preferenceAccuracy } = preferenceScores(rowScores(lengths, logps, logps));
  const total = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);
  const perToken = (sums: Float64Array, counts: readonly number[]) =>
    (total(sums) / total(counts)).toFixed(3);
  const chosenLength = lengths.map((row) => row.chosenTokens);
  const rejectedLength = lengths.map((row) => row.rejectedTokens);
  console.log(
    `${task.name}: preference accuracy ${preferenceAccuracy.toFixed(1)} % of ${rows.length}; ` +
      `log-probs per token ${perToken(logps.chosen, chosenLength)} and ${perToken(logps.rejected, rejectedLength)}; ` +
      `mean tokens ${(total(chosenLength) / rows.length).toFixed(1)} and ${(total(rejectedLength) / rows.length).toFixed(1)}`,
  );
  const asked = encoded.slice(0, answersPerTask).map(({ prompt }) => prompt);
  const stopTokens = [text.tokenizer.eosTokenId];
  const answers = await engine.generate(asked, null, { maxNewTokens: 100, stopTokens });
  answers.forEach(({ tokens }, at) => {
    console.log(`  ? ${rows[at]?.prompt[0]?.content}`);
    console.log(`  > ${text.tokenizer.decode(tokens, { skipSpecialTokens: true })}`);
  });
}

const base = await openBaseModel(folder, {});
try {
  for (const task of builtinTasks) await measure(base, task);
} finally {
  await base.engine.close();
}
