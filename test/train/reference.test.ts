/** Log-probs under policies at rest: scored in fixed chunks, kept at once, and the same whatever was kept. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RowLogProbs, RunOptions } from '../../src/engine/engine.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { Interrupted } from '../../src/support/errors.ts';
import { Random } from '../../src/support/random.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { FixedPolicy } from '../../src/train/reference.ts';
import { temporaryFolder, workspace } from './temporary-folder.ts';
import { ToyEngine, toyModel, toyText } from './toy-engine.ts';
import { outcome, runToy, toyConfig } from './toy-stream.ts';

const options = { label: 'test' };

/** One whose rounding depends on the batch: every row's log-probs carry its batch's size. */
class BatchDependentEngine extends ToyEngine {
  override async score(rows: readonly EncodedRow[], adapter: Adapter | null, options: RunOptions = {}) {
    const { chosen, rejected } = await super.score(rows, adapter, options);
    const blur = (values: Float64Array) => values.map((value) => value + 1e-9 * rows.length);
    return { chosen: blur(chosen), rejected: blur(rejected) };
  }
}

function someRows(count: number): EncodedRow[] {
  return Array.from({ length: count }, (_, at) => ({
    prompt: Int32Array.of(1 + (at % 10)),
    chosen: Int32Array.of(1 + (Math.floor(at / 10) % 10), 0),
    rejected: Int32Array.of(1 + Math.floor(at / 100), 0),
  }));
}

async function policy(engine: ToyEngine, cacheFolder: string, adapter: Adapter | null = null) {
  return FixedPolicy.open(adapter, { engine, text: toyText, cacheFolder });
}

describe('a policy at rest', () => {
  it('gives the same numbers from a cold, a full and a half-filled cache', async () => {
    const folder = temporaryFolder();
    const rows = someRows(200);
    const score = async () => (await policy(new BatchDependentEngine(), folder)).logProbs(rows, options);
    const cold = await score();
    expect(await score()).toEqual(cold);

    const [cache] = readdirSync(folder);
    const kept = readdirSync(join(folder, cache!)).sort();
    expect(kept).toHaveLength(4);
    for (const file of [kept[0]!, kept[2]!]) rmSync(join(folder, cache!, file));
    expect(await score()).toEqual(cold);
  });

  it('scores a chunk whole where one of its rows is missing, and keeps the numbers of the others', async () => {
    const folder = temporaryFolder();
    const rows = someRows(10);
    const first = await (await policy(new BatchDependentEngine(), folder)).logProbs(
      rows.slice(0, 4),
      options,
    );
    const engine = new BatchDependentEngine();
    const all: RowLogProbs = await (await policy(engine, folder)).logProbs(rows, options);
    expect(engine.calls.map((call) => call.rows.length)).toEqual([10]);
    expect(all.chosen.slice(0, 4)).toEqual(first.chosen);
  });

  it('keeps apart what different adapters give', async () => {
    const folder = temporaryFolder();
    const rows = someRows(3);
    const engine = new ToyEngine();
    const settings = { rank: 2, alpha: 4, targets: ['q_proj'] };
    const adapter = toyModel.createAdapter(settings, Random.fromSeed(0));
    await (await policy(engine, folder)).logProbs(rows, options);
    await (await policy(engine, folder, adapter)).logProbs(rows, options);
    expect(engine.calls).toHaveLength(2);
  });

  it('refuses log-probs that are not finite, and keeps none of them', async () => {
    const folder = temporaryFolder();
    class Broken extends ToyEngine {
      override async score(...given: Parameters<ToyEngine['score']>) {
        const scores = await super.score(...given);
        scores.rejected[2] = Number.NEGATIVE_INFINITY;
        return scores;
      }
    }
    const rows = someRows(5);
    await expect((await policy(new Broken(), folder)).logProbs(rows, options)).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 1,
      message: expect.stringMatching(/^test: the reference policy is of no use: .* -Infinity$/),
    });
    const engine = new ToyEngine();
    await (await policy(engine, folder)).logProbs(rows, options);
    expect(engine.calls).toHaveLength(1);
  });
});

describe('reference: previous', () => {
  const stages = { sft: { epochs: 0 }, preference: { epochs: 1, batch_size: 50, learning_rate: 0.02 } };
  const tree = toyConfig({ method: 'er', reference: 'previous', stages });
  const longTask = () => {
    const folder = workspace();
    const rows = someRows(150).map(({ prompt, chosen, rejected }) => {
      const text = (ids: Int32Array) => String.fromCharCode(...ids.map((id) => 96 + id));
      return { query: text(prompt), chosen: text(chosen), rejected: `${text(rejected)}x` };
    });
    writeFileSync(join(folder, 'low-train.json'), JSON.stringify(rows));
    return folder;
  };
  /** Rows scored under an adapter before the first step that follows. */
  const scoredBeforeTraining = ({ calls }: ToyEngine) => {
    const first = calls.findIndex((call) => call.kind === 'gradients');
    return calls
      .slice(0, first)
      .filter((call) => call.adapter !== null)
      .flatMap((call) => call.rows).length;
  };
  const runUntil = async (folder: string, rows: number, kind: 'score' | 'gradients', resume = false) => {
    const controller = new AbortController();
    let done = 0;
    const onRow = (now: string) => (now === kind && ++done > rows ? controller.abort() : undefined);
    const engine = new ToyEngine({ onRow });
    const run = runToy(tree, { folder, engine, environment: { resume, signal: controller.signal } });
    await expect(run).rejects.toBeInstanceOf(Interrupted);
    return engine;
  };

  it('is interrupted without losing the chunks it has scored, and scored once', async () => {
    const whole = longTask();
    const undisturbed = new ToyEngine();
    await runToy(tree, { folder: whole, engine: undisturbed });
    expect(scoredBeforeTraining(undisturbed)).toBe(150);

    const folder = longTask();
    // Behind the base on 20 test rows: the first chunk of the task-start policy, and some of the second.
    await runUntil(folder, 20 + 64 + 30, 'score');
    const during = await runUntil(folder, 60, 'gradients', true);
    expect(scoredBeforeTraining(during)).toBe(150 - 64);
    const after = new ToyEngine();
    await runToy(tree, { folder, engine: after, environment: { resume: true } });
    expect(scoredBeforeTraining(after)).toBe(0);
    expect(outcome(join(folder, 'output'))).toEqual(outcome(join(whole, 'output')));
  });
});
