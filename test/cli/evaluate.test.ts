/** `lifealign evaluate` on the embedded base: its scores and judges, and what it refuses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { generateText } from '../../src/eval/generate-text.ts';
import { findRuleJudge } from '../../src/eval/judges/index.ts';
import { preferenceScores, rowScores } from '../../src/eval/preference.ts';
import { scoreAnswers } from '../../src/eval/text-metrics/index.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { readEndTokens } from '../../src/text/end-tokens.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { type JudgeServer, rates, says, startJudgeServer } from '../eval/llm-judge-server.ts';
import { contents, lifealign } from './command.ts';
import { useEvaluations } from './evaluations.ts';

const { at, json, evaluate, onTiny, tasksFile, writeAdapter } = useEvaluations();

describe('the scores of evaluate', () => {
  it('are those computed from the parts', async () => {
    const { base, adapter } = await writeAdapter();
    const { rows: all } = await readPreferenceRows('builtin:facts/test', { invalidRows: 'error' });
    const rows = all.slice(0, 3);
    const encodeOptions = { file: 'f', maxLength: 2048, invalidRows: 'error' } as const;
    const { encoded } = encodeRows(rows, base.text, encodeOptions);
    const [policy, ground] = [
      await base.engine.score(encoded, adapter),
      await base.engine.score(encoded, null),
    ];
    const prompts = encoded.map(({ prompt }) => prompt);
    const endTokens = await readEndTokens(base.model.path, base.text.tokenizer);
    const options = { maxNewTokens: 8, endTokens };
    const answers = await generateText(base.engine, base.text.tokenizer, prompts, adapter, options);
    const identity = base.engine.identity;
    await base.engine.close();
    const lengths = encoded.map(({ chosen, rejected }, index) => ({
      ...{ index, chosenTokens: chosen.length, rejectedTokens: rejected.length },
    }));
    const preference = preferenceScores(rowScores(lengths, policy, ground));
    const pairs = rows.map(({ chosen }, k) => ({ prediction: answers[k]!.text, reference: chosen }));
    const text = scoreAnswers(pairs);
    const judged = rows.map(({ prompt, chosen }, k) =>
      findRuleJudge('facts').score(answers[k]!.text, { query: prompt[0]!.content, reference: chosen }),
    );

    tasksFile();
    const { code, stdout, stderr } = await onTiny('--adapter', at('adapter'));
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('ROUGE-L') });
    const summary = JSON.parse(stdout);
    expect(summary).toEqual(json('out', 'summary.json'));
    expect(summary).toMatchObject({ model: 'tiny', model_hash: identity, adapter: at('adapter') });
    expect(summary.adapter_hash).toBe(adapterHash(adapter));
    expect(summary.versions.lifealign).toMatch(/^\d/);
    const [facts, voice] = summary.tasks;
    expect(facts.scores.preference_accuracy).toBeCloseTo(preference.preferenceAccuracy, 6);
    expect(facts.scores.reward_accuracy).toBeCloseTo(preference.rewardAccuracy, 6);
    expect(facts.scores.margin).toBeCloseTo(preference.margin, 4);
    expect(facts.scores['bleu-4']).toBe(text.mean.bleu4);
    expect(facts.scores['rouge-l']).toBe(text.mean.rougeL);
    expect(facts.scores.judge).toBeCloseTo(judged.reduce((sum, score) => sum + score) / 3, 9);
    expect([facts.rows, facts.llm_judge, voice.name, voice.judge]).toEqual([3, null, 'voice', 'voice']);
    const predictions = json('out', '1-facts', 'predict_results.json');
    expect(predictions).toMatchObject(
      pairs.map((pair, index) => ({ index, ...pair, prompt: rows[index]!.prompt, judge: judged[index] })),
    );
    expect(contents(at('out')).filter((name) => name.includes('.'))).toEqual([
      ...['evaluation', 'predict_results', 'scores'].map((name) => `1-facts/${name}.json`),
      ...['evaluation', 'predict_results', 'scores'].map((name) => `2-voice/${name}.json`),
      'summary.json',
    ]);
    // The predictions are what `metrics` reads, and it finds the same.
    const metrics = await lifealign(
      ...['metrics', '--predictions', at('out', '1-facts', 'predict_results.json')],
    );
    expect(JSON.parse(metrics.stdout)).toMatchObject({ count: 3, 'bleu-4': facts.scores['bleu-4'] });
  });

  it("are of `generate`'s answers, also drawn ones, whichever rows there are", async () => {
    const drawn = ['--temperature', '1.5', '--seed', '7', '--max-new-tokens', '8'];
    await evaluate('--model', 'tiny', '--data', rowsFile(3), ...drawn);
    const evaluated = json('out', '1-rows', 'predict_results.json');
    const data = ['--data', at('rows.json'), '--output', at('answers.jsonl')];
    await lifealign('generate', '--model', 'tiny', '--threads', '1', ...data, ...drawn);
    const generated = readFileSync(at('answers.jsonl'), 'utf8').trimEnd().split('\n');
    expect(evaluated.map(({ prediction }: { prediction: string }) => prediction)).toEqual(
      generated.map((line) => JSON.parse(line).text),
    );
    expect(new Set(generated.map((line) => JSON.parse(line).text)).size).toBe(3);
  });

  it('of the base over itself say nothing of rewards', async () => {
    const { stdout } = await evaluate('--model', 'tiny', '--data', rowsFile(2), '--name', 'mine');
    const [task] = JSON.parse(stdout).tasks;
    expect(task).toMatchObject({
      name: 'mine',
      scores: { reward_accuracy: null, margin: null, judge: null },
    });
    expect(json('out', '1-mine', 'predict_results.json')).toHaveLength(2);
  });
});

/** A file with so many rows of a built-in task. */
function rowsFile(count: number): string {
  const row = { query: 'How long may I return a chair?', chosen: 'You have 30 days.', rejected: 'Never.' };
  writeFileSync(at('rows.json'), JSON.stringify(new Array(count).fill(row)));
  return at('rows.json');
}

describe('an LLM judge', () => {
  let server: JudgeServer;
  beforeEach(async () => {
    server = await startJudgeServer();
    vi.stubEnv('LIFEALIGN_JUDGE_BASE_URL', server.url);
    vi.stubEnv('LIFEALIGN_JUDGE_MODEL', 'judging-model');
    vi.stubEnv('LIFEALIGN_JUDGE_API_KEY', 'sk-test');
  });
  afterEach(() => server.close());

  it("rates the answers; refusals are counted, not averaged; a task's own rubric comes first", async () => {
    server.answer = (_, count) => (count === 1 ? says(null, { refusal: 'no' }) : rates(4));
    tasksFile({ llm_judge: 'hc3' });
    const { code, stdout, stderr } = await onTiny('--llm-judge', 'general');
    expect(code).toBe(0);
    const [facts, voice] = JSON.parse(stdout).tasks;
    expect(facts.scores.llm_judge).toBe(40);
    const model = 'judging-model';
    expect(facts.llm_judge).toEqual({ rubric: 'hc3', model, scored: 2, refusals: 1, failures: 0 });
    expect(voice.llm_judge).toMatchObject({ rubric: 'general', scored: 3, refusals: 0 });
    expect(stderr).toMatch(/facts:.* LLM judge: mean of 2; 1 refused, 0 failed/);
    const given = json('out', '1-facts', 'predict_results.json');
    expect(given.filter((row: object) => 'llm_judge_unscored' in row)).toHaveLength(1);
  });
});

describe('evaluate refuses', () => {
  const data = ['--model', 'tiny', '--data', 'builtin:facts/test'];
  it.each([
    [['--data', 'builtin:facts/test'], 'expected either --model or --run'],
    [['--model', 'tiny', '--run', 'x'], 'expected either --model or --run'],
    [['--model', 'tiny'], 'expected --tasks or --data'],
    [['--run', 'x', '--adapter', 'y'], '--adapter: goes with --model'],
    [['--run', '/nowhere/at/all'], 'holds no run'],
    [[...data, '--after', '1'], '--after: goes with --run'],
    [[...data, '--tasks', 'x'], 'expected either --tasks or --data'],
    [['--model', 'tiny', '--tasks', 'x', '--judge', 'facts'], '--judge: goes with --data'],
    [[...data, '--judge', 'politeness'], '--judge: '],
    [[...data, '--name', '../x'], '--name: expected letters'],
    [[...data, '--llm-judge', 'x'], "argument 'x' is invalid. Allowed choices are general"],
    [[...data, '--top-p', '0'], '--top-p 0: expected a number above 0'],
    [[...data, '--max-new-tokens', '0'], '--max-new-tokens 0: expected'],
    [[...data, '--max-length', '1'], '--max-length 1: expected'],
    [[...data, '--invalid-rows', 'maybe'], '--invalid-rows: expected error or skip'],
    [[...data, '--threads', '0'], '--threads 0: expected'],
    [['--model', 'tiny', '--tasks', '/nowhere.yaml'], '/nowhere.yaml: cannot read'],
  ])('%j', async (more, message) => {
    const { code, stdout, stderr } = await evaluate(...more);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(contents(at())).toEqual([]);
  });

  it('tasks files that are wrong, naming the key', async () => {
    const refused = async (message: RegExp) => expect((await onTiny()).stderr).toMatch(message);
    tasksFile({ jugde: 'facts' });
    await refused(/tasks\.yaml, field "tasks\.0\.jugde": unknown key.*judge/);
    tasksFile({}, { name: 'FACTS' });
    await refused(/field "tasks\.1\.name": "FACTS" names an earlier task too/);
    writeFileSync(at('tasks.yaml'), 'tasks: [');
    await refused(/tasks\.yaml, line 1: invalid YAML/);
  });

  it('a folder that holds something else', async () => {
    tasksFile();
    const { code, stderr } = await onTiny('--output-dir', at(), '--resume');
    expect(code).toBe(2);
    expect(stderr).toContain('holds something else; choose another folder');
  });
});
