/** `lifealign evaluate` stopped and resumed, and with tasks whose texts are private. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { OrtEngine } from '../../src/engine/ort/ort-engine.ts';
import { contents } from './command.ts';
import { useEvaluations } from './evaluations.ts';

const { at, json, onTiny, tasksFile, writeAdapter, written } = useEvaluations();
afterEach(() => vi.restoreAllMocks());

/** Ctrl-C in the call of `generate` of that number. */
function stopAt(call: number) {
  const { generate } = OrtEngine.prototype;
  let calls = 0;
  return vi.spyOn(OrtEngine.prototype, 'generate').mockImplementation(function (this: OrtEngine, ...given) {
    if (++calls === call) process.emit('SIGINT', 'SIGINT');
    return generate.apply(this, given);
  });
}

describe('evaluate that was stopped', () => {
  it.each([2, 4])('goes on to the same files, asking nothing twice (stopped in call %i)', async (call) => {
    tasksFile();
    const drawn = ['--temperature', '1', '--seed', '5'];
    const whole = await onTiny(...drawn);
    const expected = written();
    rmSync(at('out'), { recursive: true });

    const stopped = stopAt(call);
    const { code, stdout, stderr } = await onTiny(...drawn);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('lifealign: interrupted; what is finished is kept: continue with --resume\n');
    expect(existsSync(at('out', 'summary.json'))).toBe(false);
    const partial = at('out', call === 2 ? '1-facts' : '2-voice', 'answers.jsonl');
    expect(readFileSync(partial, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    stopped.mockRestore();

    // Two rows are a cut at this batch size, so a task takes two calls.
    const counted = vi.spyOn(OrtEngine.prototype, 'generate');
    const resumed = await onTiny(...drawn, '--resume');
    expect({ code: resumed.code, stdout: resumed.stdout }).toEqual({ code: 0, stdout: whole.stdout });
    expect(counted).toHaveBeenCalledTimes(4 - (call - 1));
    expect(written()).toEqual(expected);
    expect((await onTiny(...drawn, '--resume')).stdout).toBe(whole.stdout);
    expect(written()).toEqual(expected);
  });

  it('is refused as another one, with the first difference, before anything is done', async () => {
    tasksFile();
    await onTiny();
    const before = written();
    const refused = async (message: RegExp, ...more: string[]) => {
      const { code, stdout, stderr } = await onTiny(...more);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
      expect(written()).toEqual(before);
    };
    await refused(/holds an evaluation already; continue it with --resume/);
    await refused(
      /evaluation\.json, field "generation\.seed": .* was 0, is now 1/,
      '--resume',
      '--seed',
      '1',
    );
    const { base } = await writeAdapter();
    await base.engine.close();
    await refused(/field "adapter": .* was null, is now "/, '--resume', '--adapter', at('adapter'));
    tasksFile({}, { test: 'builtin:voice/validation' });
    await refused(/2-voice\/evaluation\.json, field "rows"/, '--resume');
    tasksFile();
    const file = at('out', '1-facts', 'scores.json');
    writeFileSync(file, '{}');
    const damaged = await onTiny('--resume');
    expect(damaged.stderr).toMatch(/scores\.json: not what this program wrote/);
  });
});

describe('a private task', () => {
  const secrets = async () => {
    const { rows } = await readPreferenceRows('builtin:facts/test', { invalidRows: 'error' });
    return rows.slice(0, 3).flatMap(({ prompt, chosen }) => [prompt[0]!.content, chosen]);
  };

  it('has its texts neither printed nor written, unless that is asked for', async () => {
    tasksFile({ private: true });
    const { code, stdout, stderr } = await onTiny();
    expect(code).toBe(0);
    const [task] = JSON.parse(stdout).tasks;
    expect(task).toMatchObject({ name: 'facts', private: true, rows: 3 });
    const kept = JSON.stringify(written());
    for (const secret of await secrets()) expect(stdout + stderr + kept).not.toContain(secret);
    expect(contents(at('out'))).not.toContain('1-facts/predict_results.json');
    const other = await onTiny('--resume', '--keep-private');
    expect(other.stderr).toMatch(/field "keep_private": .* was false, is now true/);
    rmSync(at('out'), { recursive: true });
    await onTiny('--keep-private');
    expect(json('out', '1-facts', 'predict_results.json')[0].reference).toBe((await secrets())[1]);
    expect(json('out', 'summary.json').tasks[0]).toEqual(task);
  });

  it('keeps no answers while it is under way', async () => {
    tasksFile({ private: true });
    stopAt(2);
    expect((await onTiny()).code).toBe(1);
    expect(contents(at('out'))).toEqual(['1-facts', '1-facts/evaluation.json']);
  });

  it('is not quoted in errors', async () => {
    const secret = 'my secret query';
    writeFileSync(at('bad.json'), JSON.stringify([{ query: secret, chosen: 'secret a', rejected: 'b' }]));
    tasksFile({ private: true, test: 'bad.json', test_rows: null });
    const { code, stderr } = await onTiny();
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.json, row 1: invalid; the task is private/);
    expect(stderr).not.toContain('secret');
  });

  it('is sent to no judge that only the command line names', async () => {
    tasksFile({ private: true });
    const { code, stderr } = await onTiny('--llm-judge', 'general');
    expect(code).toBe(2);
    expect(stderr).toContain('the task facts is private, and its texts would be sent to the judge');
  });
});
