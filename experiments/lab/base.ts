/**
 * Where the base stands before alignment, task by task: its preference accuracy, and the rule judge's score
 * of its sampled and of its greedy answers. A laboratory needs all of them away from 0 and 100.
 *
 *     npx tsx experiments/lab/base.ts [model] [split] > experiments/lab/results/base.md
 */
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { findRuleJudge } from '../../src/eval/judges/index.ts';
import { preferenceScores, rowScores } from '../../src/eval/preference.ts';
import { encodePrompt, encodeRows } from '../../src/text/segments.ts';
import { openBaseModel } from '../../src/train/base-model.ts';
import { judgedPrompt } from '../../src/train/task-rows.ts';

const [name = 'tiny', split = 'test'] = process.argv.slice(2);
const { text, engine } = await openBaseModel(name, { threads: 1 });
const line = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
const headings = ['task', 'rows', 'preference accuracy', 'judge, sampled', 'judge, greedy'];
process.stdout.write(`Base before alignment, ${split} rows, %\n\n`);
line(headings);
line(headings.map(() => '---'));
for (const task of builtinTasks) {
  const file = `builtin:${task.name}/${split}`;
  const { rows } = await readPreferenceRows(file, { invalidRows: 'error' });
  const { encoded } = encodeRows(rows, text, { file, maxLength: 256, invalidRows: 'error' });
  const logps = await engine.score(encoded, null);
  const lengths = encoded.map(({ chosen, rejected }, index) => ({
    index,
    chosenTokens: chosen.length,
    rejectedTokens: rejected.length,
  }));
  const { preferenceAccuracy } = preferenceScores(rowScores(lengths, logps, logps));
  const judge = findRuleJudge(task.name);
  const judged = async (temperature: number) => {
    const prompts = rows.map((row) => encodePrompt(row.prompt, text));
    const stopTokens = [text.tokenizer.eosTokenId];
    const answers = await engine.generate(prompts, null, {
      maxNewTokens: 80,
      stopTokens,
      temperature,
      seed: 0,
    });
    const scores = answers.map(({ tokens, finishReason }, at) => {
      const answer = text.tokenizer.decode(finishReason === 'stop' ? tokens.slice(0, -1) : tokens);
      if (at < 2 && process.env['SHOW']) process.stderr.write(`${task.name} T=${temperature}: ${answer}\n`);
      return judge.score(answer, judgedPrompt(rows[at]!));
    });
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  };
  const [sampled, greedy] = [await judged(1), await judged(0)];
  line([
    task.name,
    `${rows.length}`,
    ...[preferenceAccuracy, sampled, greedy].map((value) => value.toFixed(1)),
  ]);
}
await engine.close();
