/** `lifealign evaluate --run`: the adapters of a finished run find the run's own scores. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lifealign } from './command.ts';
import { useEvaluations } from './evaluations.ts';

const { at, json } = useEvaluations();

describe('evaluate of a run', () => {
  const runFolder = () => at('run');
  const train = async () => {
    const task = (name: string) => ({ name, train: `builtin:${name}/train`, test: `builtin:${name}/test` });
    const rows = { train_rows: 2, test_rows: 2 };
    const general = { rows: 'builtin:neutral/everyday', limit: 4, max_new_tokens: 3 };
    const stage = { epochs: 1, batch_size: 2, learning_rate: 0.01 };
    const config = {
      ...{ base: 'tiny', method: 'seqft', lora: { rank: 2 }, generation: { max_new_tokens: 6 } },
      tasks: [
        { ...task('facts'), ...rows, judge: 'facts' },
        { ...task('voice'), ...rows },
      ],
      ...{ stages: { sft: stage, preference: stage }, evaluate: 'all', general },
    };
    writeFileSync(at('run.yaml'), JSON.stringify(config));
    await lifealign('train', at('run.yaml'), '--output-dir', runFolder(), '--threads', '1');
  };
  const ofRun = (...more: string[]) =>
    lifealign('evaluate', '--run', runFolder(), '--output-dir', at('out'), '--threads', '1', ...more);

  it("finds the run's own scores, for every adapter; refuses what is not that run", async () => {
    await train();
    const matrix = json('run', 'matrix.json');
    for (const [k, more] of [['--after', '1'], []].entries()) {
      const { code, stdout } = await ofRun(...more);
      expect(code).toBe(0);
      const { tasks, settings, adapter, general } = JSON.parse(stdout);
      expect(settings.generation.max_new_tokens).toBe(6);
      expect(adapter).toBe(at('run', 'tasks', k === 0 ? '1-facts' : '2-voice', 'adapter'));
      for (const score of ['preference_accuracy', 'reward_accuracy', 'margin'] as const) {
        const found = tasks.map((task: { scores: Record<string, number> }) => task.scores[score]);
        for (const j of [0, 1]) expect(found[j]).toBeCloseTo(matrix[score].matrix[k][j], 4);
      }
      expect(general.kl).toBeCloseTo(matrix.general.kl[k], 5);
      expect(general.loss).toBeCloseTo(matrix.general.loss[k], 5);
      expect(tasks[0].scores.judge).toBe(matrix.judge.matrix[k][0]);
      expect(
        json('out', '1-facts', 'predict_results.json').map((row: { prediction: string }) => row.prediction),
      ).toEqual(
        json('run', 'tasks', k === 0 ? '1-facts' : '2-voice', 'answers', '1-facts.json').map(
          (row: { answer: string }) => row.answer,
        ),
      );
      rmSync(at('out'), { recursive: true });
    }
    const refused = async (message: string, ...more: string[]) => {
      const { code, stderr } = await ofRun(...more);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    };
    await refused('--after 3: the run has the tasks 1 to 2', '--after', '3');
    await refused('holds something else', '--output-dir', runFolder(), '--resume');
    const file = at('run', 'config.yaml');
    const config = readFileSync(file, 'utf8');
    // Hashes of the base, then of the first test rows.
    writeFileSync(file, config.replace(/(\n {4}base: ).*/, '$1another'));
    await refused('the base model (tiny) has changed since the run');
    writeFileSync(file, config.replace(/(\n {8}test: ).*/, '$1another'));
    await refused('its rows are not those the run was tested with');
    rmSync(at('run', 'tasks', '2-voice'), { recursive: true });
    await refused('the run has not finished task 2 (voice)');
  });
});
