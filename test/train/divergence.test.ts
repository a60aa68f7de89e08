/** Numbers that are not finite stop a run before anything is made of them, and what is on disk stays usable. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workspace } from './temporary-folder.ts';
import { ToyEngine } from './toy-engine.ts';
import { outcome, runToy, toyConfig } from './toy-stream.ts';

const matrixFile = (folder: string) => join(folder, 'output/matrix.json');
const steps = (folder: string) => readFileSync(join(folder, 'output/steps.jsonl'), 'utf8');

/** Gives NaN for the last row of the scorings that `isBroken` picks. */
class BrokenEngine extends ToyEngine {
  readonly #isBroken: (call: ToyEngine['calls'][number]) => boolean;

  constructor(isBroken: (call: ToyEngine['calls'][number]) => boolean) {
    super();
    this.#isBroken = isBroken;
  }

  override async score(...given: Parameters<ToyEngine['score']>) {
    const scores = await super.score(...given);
    if (this.#isBroken(this.calls.at(-1)!)) scores.chosen[scores.chosen.length - 1] = Number.NaN;
    return scores;
  }
}

describe('log-probs that are not finite', () => {
  it('in an evaluation: exit code 1, no score recorded; sound again, the run goes on to the same end', async () => {
    const folder = workspace();
    const engine = new BrokenEngine((call) => call.adapter !== null);
    await expect(runToy(toyConfig(), { folder, engine })).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 1,
      message: expect.stringMatching(
        /^task 1\/2 low, testing low: training diverged: .*log-probs of NaN and/,
      ),
    });
    expect(existsSync(join(folder, 'output/tasks/1-low/scores'))).toBe(false);
    expect(existsSync(matrixFile(folder))).toBe(false);

    await runToy(toyConfig(), { folder, environment: { resume: true } });
    const undisturbed = workspace();
    await runToy(toyConfig(), { folder: undisturbed });
    expect(outcome(join(folder, 'output'))).toEqual(outcome(join(undisturbed, 'output')));
  });

  it('of the base: exit code 1, before anything is trained', async () => {
    const folder = workspace();
    const engine = new BrokenEngine((call) => call.adapter === null);
    await expect(runToy(toyConfig(), { folder, engine })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^base model, testing low: the reference policy is of no use: /),
    });
    expect(steps(folder)).toBe('');
  });

  it('in a step whose loss hides them: exit code 1, the step not recorded', async () => {
    const folder = workspace();
    class Broken extends ToyEngine {
      override async gradients(...given: Parameters<ToyEngine['gradients']>) {
        const result = await super.gradients(...given);
        result.logps.rejected[1] = Number.NEGATIVE_INFINITY;
        return result;
      }
    }
    await expect(runToy(toyConfig(), { folder, engine: new Broken() })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/training diverged: .* the lowest log-prob -Infinity; a lower learning/),
    });
    expect(steps(folder)).toBe('');
  });
});

it('new values that are not finite stop the run in the step that made them', async () => {
  const folder = workspace();
  const stages = { sft: { epochs: 1, learning_rate: 1e39, batch_size: 4, warmup_ratio: 0 } };
  await expect(runToy(toyConfig({ stages }), { folder })).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(/training diverged: the new "base_model.* is not finite/),
  });
  expect(steps(folder)).toBe('');
});
