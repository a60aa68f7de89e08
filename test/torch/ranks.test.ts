/** Several ranks, on gloo: one rank's numbers, and an end for all when one is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createObjective } from '../../src/objective/index.ts';
import { BIN } from '../cli/command.ts';
import { expectLogProbs, expectSame, LENGTHS } from '../engine/conformance.ts';
import { writeSmallStream } from '../faults/small-stream.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { openTiny, randomRows } from '../model/tiny.ts';
import { oraclePython } from '../parity/environment.ts';
import { outcome } from '../train/toy-stream.ts';
import { openTorch } from './open.ts';

let python: string;
beforeAll(async () => {
  python = await oraclePython();
});

describe('several ranks', () => {
  const measure = async (engine: Engine, { adapter, model }: Awaited<ReturnType<typeof openTiny>>) => {
    const rows = randomRows([...LENGTHS, ...LENGTHS, ...LENGTHS.slice(1)], model.config.vocabularySize, 4);
    try {
      const gradients = await engine.gradients({
        rows,
        adapter,
        objective: createObjective({ name: 'orpo' }),
        constants: {},
      });
      const prompts = rows.slice(0, 3).map(({ prompt }) => prompt);
      const options = { maxNewTokens: 5, stopTokens: [] };
      return {
        gradients,
        scores: await engine.score(rows, adapter),
        answers: await engine.generate(prompts, adapter, options),
        identity: engine.identity,
      };
    } finally {
      await engine.close();
    }
  };

  it.each([
    [2, 'ddp', 24],
    [4, 'ddp', 24],
    [2, 'fsdp', 24],
    // Fewer parts than ranks in every request.
    [4, 'fsdp', 1000],
  ] as const)('give one rank’s numbers: %i, %s', async (ranks, parallel, tokens) => {
    const tiny = await openTiny('untied-gqa', 'all');
    const settings = { micro_batch_tokens: tokens };
    const one = await measure(await openTorch(settings)(tiny.model), tiny);
    const several = await measure(await openTorch({ ...settings, ranks, parallel })(tiny.model), tiny);
    expectSame(several.gradients, one.gradients);
    expectLogProbs(several.scores, one.scores);
    expect(several.answers).toEqual(one.answers);
    expect(several.identity).toBe(one.identity);
  });
});

/** Processes of this machine whose environment has a mark. */
function marked(mark: string): { pid: number; environment: string }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
      return environment.includes(mark) ? [{ pid: Number(name), environment }] : [];
    } catch {
      return [];
    }
  });
}

describe.skipIf(!existsSync('/proc/self/environ'))('a killed rank', () => {
  const folder = useTemporaryCache();

  it.each([1, 0])('ends the run, and --resume goes on: rank %i', async (rank) => {
    writeSmallStream(folder());
    const at = (name: string) => join(folder(), name);
    const start = (output: string, mark: string, ranks: number, ...more: string[]) => {
      const engine = `{name: torch, device: cpu, ranks: ${ranks}, micro_batch_tokens: 24}`;
      const args = [BIN, 'train', at('run.yaml'), '--output-dir', at(output), '--engine', engine, ...more];
      const child = spawn(process.execPath, args, {
        env: { ...process.env, LIFEALIGN_PYTHON: python, LIFEALIGN_TEST_MARK: mark },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      return { child, ended: once(child, 'close').then(([code]) => ({ code, stderr })) };
    };
    const steps = (output: string) =>
      existsSync(at(`${output}/steps.jsonl`))
        ? readFileSync(at(`${output}/steps.jsonl`), 'utf8').split('\n').length - 1
        : 0;
    const mark = `mark-${process.pid}-${rank}`;
    const { child, ended } = start('killed', mark, 2);
    while (steps('killed') < 12 && child.exitCode === null) await wait(20);
    const victim = marked(mark).find(({ environment }) => environment.split('\0').includes(`RANK=${rank}`));
    process.kill(victim!.pid, 'SIGKILL');
    const killedAt = performance.now();
    const { code, stderr } = await ended;
    const seconds = (performance.now() - killedAt) / 1000;
    process.stderr.write(`  rank ${rank} killed: the run ended after ${seconds.toFixed(1)} s\n`);
    expect(code, stderr).toBe(1);
    expect(stderr).toContain('the torch worker');
    expect(seconds).toBeLessThan(30);
    await wait(3000);
    expect(marked(mark).map(({ pid }) => pid)).toEqual([]);

    const resumed = await start('killed', `${mark}-resumed`, 2, '--resume').ended;
    expect(resumed.code, resumed.stderr).toBe(0);
    const whole = await start('whole', `${mark}-whole`, 2).ended;
    expect(whole.code, whole.stderr).toBe(0);
    expect(outcome(at('killed'))).toEqual(outcome(at('whole')));
  });
});
