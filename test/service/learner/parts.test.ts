/** The learner's parts that need no database: rows of feedback, triggers, tests of a canary, summaries, settings. */
import { describe, expect, it } from 'vitest';
import { dueTests, withTests } from '../../../src/service/learner/canary.ts';
import { levelOf, looksDue, SIGNALS } from '../../../src/service/learner/canary-test.ts';
import { parseProgress } from '../../../src/service/learner/learn-process.ts';
import { type AcceptedFeedback, rowsOfFeedback } from '../../../src/service/learner/rows.ts';
import { leastRows, parseLearnerSettings } from '../../../src/service/learner/settings.ts';
import { shadowWaits, summarise } from '../../../src/service/learner/shadow-summary.ts';
import { triggerOf } from '../../../src/service/learner/trigger.ts';
import { ModelRegistry } from '../../../src/service/models/registry.ts';
import { Random } from '../../../src/support/random.ts';

const HOUR = 3_600_000;

let made = 0;
function piece(fields: Partial<AcceptedFeedback> & { asked?: string }): AcceptedFeedback {
  const { asked = 'Hi', ...rest } = fields;
  const prompt = JSON.stringify([{ role: 'user', content: asked }]);
  return {
    ...{ id: `fb${made++}`, kind: 'pair', prompt, answer: null, chosen: null, rejected: null },
    ...{ rating: null, content_hash: '', ...rest },
  };
}
const pair = (chosen: string, rejected: string, asked = 'Hi') => piece({ chosen, rejected, asked });
const thumb = (answer: string, rating: 1 | -1, asked = 'Hi') =>
  piece({ kind: 'rating', answer, rating, asked });
const outcomesOf = (feedback: readonly AcceptedFeedback[]) => {
  const { rows, outcomes } = rowsOfFeedback(feedback);
  const texts = rows.map(({ chosen, rejected }) => `${chosen} > ${rejected}`);
  return { texts, outcomes: feedback.map(({ id }) => outcomes.get(id)) };
};

describe('rows of feedback', () => {
  it('are pairs and edits as they are, each thing said once', () => {
    const { texts, outcomes } = outcomesOf([
      pair('a', 'b'),
      { ...pair('a', 'b'), kind: 'edit' },
      pair('c', 'b'),
    ]);
    expect(texts).toEqual(['a > b', 'c > b']);
    expect(outcomes).toEqual(['row', 'duplicate', 'row']);
  });

  it('are what was said more often where feedback contradicts itself, and nothing where it is even', () => {
    expect(outcomesOf([pair('a', 'b'), pair('b', 'a'), pair('a', 'b')])).toEqual({
      texts: ['a > b'],
      outcomes: ['row', 'contradicted', 'duplicate'],
    });
    expect(outcomesOf([pair('a', 'b'), pair('b', 'a')])).toEqual({
      texts: [],
      outcomes: ['contradicted', 'contradicted'],
    });
  });

  it('are made of two thumbs on one prompt; others wait', () => {
    const { texts, outcomes } = outcomesOf([
      thumb('a', 1),
      thumb('b', -1, ' HI '),
      thumb('c', 1),
      thumb('d', -1, 'Bye'),
      thumb('a', 1),
      thumb('b', 1),
      thumb('b', -1),
    ]);
    expect(texts).toEqual(['a > b']);
    expect(outcomes).toEqual([
      'row',
      'row',
      'unpaired',
      'unpaired',
      'duplicate',
      'contradicted',
      'duplicate',
    ]);
  });

  it('are not made of what cannot be a row', () => {
    const system = JSON.stringify([{ role: 'system', content: 'Be kind.' }]);
    const image = JSON.stringify([{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }]);
    const parts = JSON.stringify([{ role: 'user', content: [{ type: 'text', text: 'Hi' }], audio: null }]);
    const { texts, outcomes } = outcomesOf([
      { ...pair('a', 'b'), prompt: system },
      { ...pair('a', 'b'), prompt: image },
      { ...thumb('a', 1), prompt: null },
      { ...pair('a', 'b'), prompt: parts },
    ]);
    expect(texts).toEqual(['a > b']);
    expect(outcomes).toEqual(['unusable', 'unusable', 'unusable', 'row']);
  });
});

describe('a task is triggered', () => {
  const settings = { from: 200, every: null, least: null, retry: 1 };
  const input = {
    settings,
    unlearned: { rows: 250 },
    last: undefined,
    started: 0,
    requested: false,
    now: HOUR,
  };

  it('by rows, by time, or because somebody asks', () => {
    expect(triggerOf(input)).toEqual({ trigger: 'threshold' });
    const few = { ...input, unlearned: { rows: 150 } };
    expect(triggerOf(few)).toEqual({ trigger: null, waits: [{ kind: 'rows', have: 150, need: 200 }] });
    expect(triggerOf({ ...few, requested: true })).toEqual({ trigger: 'request' });
    const daily = { ...few, settings: { ...settings, every: 24 } };
    expect(triggerOf(daily)).toMatchObject({ trigger: null });
    expect(triggerOf({ ...daily, now: 24 * HOUR })).toEqual({ trigger: 'schedule' });
    const last = { state: 'full', state_at: 20 * HOUR, created_at: 10 * HOUR } as const;
    expect(triggerOf({ ...daily, last, now: 30 * HOUR })).toMatchObject({ trigger: null });
    expect(triggerOf({ ...daily, last, now: 34 * HOUR })).toEqual({ trigger: 'schedule' });
  });

  it('never by fewer rows than the least, nor soon after one that failed', () => {
    expect(leastRows({ least: null, from: 200 })).toBe(100);
    expect(leastRows({ least: null, from: 30 })).toBe(30);
    expect(leastRows({ least: 7, from: 30 })).toBe(7);
    const few = { ...input, requested: true, unlearned: { rows: 99 } };
    expect(triggerOf(few)).toEqual({ trigger: null, waits: [{ kind: 'rows', have: 99, need: 100 }] });
    const last = { state: 'failed', state_at: HOUR, created_at: 0 } as const;
    expect(triggerOf({ ...input, last })).toEqual({
      trigger: null,
      waits: [{ kind: 'time', until: 2 * HOUR }],
    });
    expect(triggerOf({ ...input, last, now: 2 * HOUR })).toEqual({ trigger: 'threshold' });
  });
});

describe('a canary is tested', () => {
  const canary = { share: 0.1, hours: 0, answers: 0, ratings: 20, level: 0.05 };
  const versions = (bad: number, rated: number, otherBad: number, otherRated: number) => ({
    candidate: { answers: 0, errors: 0, bad, rated },
    serving: { answers: 0, errors: 0, bad: otherBad, rated: otherRated },
  });
  const fresh = { since: 0, share: 0.1, looks: {}, tests: [] };

  it('when the smaller side has doubled, at levels that sum to no more than the whole', () => {
    expect([0, 19, 20, 39, 40, 79, 80].map((count) => looksDue(1000, count, 20))).toEqual([
      0, 0, 1, 1, 2, 2, 3,
    ]);
    expect(looksDue(19, 1000, 20)).toBe(0);
    let sum = 0;
    for (let look = 1; look < 5000; look++) sum += SIGNALS.length * levelOf(look, 0.05);
    expect(sum).toBeLessThanOrEqual(0.05);
    expect(sum).toBeGreaterThan(0.0499);
  });

  it('once for each look, and found worse only beyond chance', () => {
    const [test] = dueTests(fresh, versions(15, 20, 20, 200), canary, 7);
    expect(test).toMatchObject({ at: 7, signal: 'ratings', look: 1, worse: true, level: 0.0125 });
    expect(dueTests(fresh, versions(3, 20, 20, 200), canary, 0)[0]).toMatchObject({ worse: false });
    // Better is not worse.
    expect(dueTests(fresh, versions(0, 20, 100, 200), canary, 0)[0]).toMatchObject({ worse: false });
    const after = withTests(fresh, [test!]);
    expect(dueTests(after, versions(20, 39, 20, 200), canary, 0)).toEqual([]);
    expect(dueTests(after, versions(20, 40, 20, 200), canary, 0)).toMatchObject([{ look: 2 }]);
    const errors = {
      candidate: { answers: 30, errors: 30, bad: 0, rated: 0 },
      serving: { answers: 600, errors: 0, bad: 0, rated: 0 },
    };
    expect(dueTests(fresh, errors, canary, 0)).toMatchObject([{ signal: 'errors', worse: true }]);
  });

  it('rolls back one that is no worse with at most the chance that is set, however often it is looked at', () => {
    const random = Random.fromSeed(5);
    const runs = 400;
    let alarms = 0;
    for (let run = 0; run < runs; run++) {
      let record = fresh as Parameters<typeof dueTests>[0];
      const counts = versions(0, 0, 0, 0);
      for (let rating = 0; rating < 600; rating++) {
        const side = random.uniform() < 0.2 ? counts.candidate : counts.serving;
        side.rated++;
        if (random.uniform() < 0.2) side.bad++;
        const tests = dueTests(record, counts, canary, 0);
        record = withTests(record, tests);
        if (tests.some(({ worse }) => worse)) {
          alarms++;
          break;
        }
      }
    }
    expect(alarms / runs).toBeLessThanOrEqual(canary.level);
  });
});

describe('a comparison', () => {
  const row = (serving: string | null, candidate: string | null, reward: number | null = null) => ({
    ...{ serving_text: serving, serving_tokens: serving?.length ?? 0 },
    ...{ candidate_text: candidate, candidate_tokens: candidate?.length ?? 0, similarity: 50, reward },
  });
  const settings = parseLearnerSettings({ shadow: { prompts: 3, hours: 1 } }, 'test');
  const task = { state_at: 0 };

  it('is summed up over what both have answered', () => {
    expect(summarise([row('ab', 'ab', 0), row('ab', 'abcdef', 2), row('a', null)], 4)).toMatchObject({
      ...{ prompts: 4, compared: 2, failed: 1, serving_tokens: 2, candidate_tokens: 4, length_ratio: 2 },
      ...{ exact: 50, similarity: 50, reward: { estimate: 1 } },
    });
    expect(summarise([], 0)).toMatchObject({ compared: 0, length_ratio: null, exact: null, reward: null });
  });

  it('goes on when all prompts are answered and the time is over, or waits for a person', () => {
    const half = summarise([row('ab', 'ab')], 3);
    expect(shadowWaits(task, half, settings, 0)).toEqual([
      { kind: 'comparisons', have: 1, need: 3 },
      { kind: 'time', until: HOUR },
    ]);
    const whole = summarise([row('ab', 'ab'), row('ab', 'abc'), row('ab', 'ab')], 3);
    expect(shadowWaits(task, whole, settings, HOUR)).toEqual([]);
    const longer = summarise([row('ab', 'abcdefgh')], 1);
    expect(shadowWaits(task, longer, settings, HOUR)).toMatchObject([{ kind: 'admin' }]);
    const shorter = summarise([row('abcdefgh', 'ab')], 1);
    expect(shadowWaits(task, shorter, settings, HOUR)).toMatchObject([{ kind: 'admin' }]);
    expect(shadowWaits(task, summarise([], 0), settings, HOUR)).toEqual([]);
  });
});

describe('a name with a canary', () => {
  it('sends its share of keys there, always the same ones, and others for another canary', () => {
    const registry = new ModelRegistry();
    for (const version of ['v1', 'v2']) registry.publish({ name: 'support', version }, null, { head: false });
    expect(registry.lead('support', 'support@v9')).toBe(false);
    expect(registry.lead('support', 'support@v1')).toBe(true);
    const keys = Array.from({ length: 2000 }, (_, at) => `person ${at}`);
    const diverted = () => keys.filter((key) => registry.resolve('support', key)?.version === 'v2');
    expect(diverted()).toEqual([]);
    registry.divert('support', { id: 'support@v2', share: 0.25, salt: 'one' });
    const first = diverted();
    // Four standard deviations of a binomial of 2000 draws: 77.
    expect(Math.abs(first.length - 500)).toBeLessThan(78);
    expect(diverted()).toEqual(first);
    expect(registry.resolve('support')?.version).toBe('v1');
    expect(registry.resolve('support@v1', first[0])?.version).toBe('v1');
    registry.divert('support', { id: 'support@v2', share: 0.25, salt: 'other' });
    expect(diverted()).not.toEqual(first);
    registry.divert('support', null);
    expect(diverted()).toEqual([]);
  });
});

describe('settings', () => {
  it('are strict, and filled in', () => {
    expect(parseLearnerSettings({}, 'learner.yaml')).toMatchObject({ from: 200, canary: { share: 0.1 } });
    expect(parseLearnerSettings({ canary: null }, 'learner.yaml').canary).toBeNull();
    expect(() => parseLearnerSettings({ form: 3 }, 'learner.yaml')).toThrow(/learner\.yaml.*"form".*from/s);
    expect(() => parseLearnerSettings({ canary: { share: 2 } }, 'learner.yaml')).toThrow(/canary\.share/);
  });
});

it('progress is read from what `learn` writes, and nothing else is', () => {
  expect(parseProgress('task a, preference: 3/10 steps, 2.4 steps/s, 3s left, loss 0.6', 7)).toEqual({
    ...{ label: 'task a, preference', done: 3, total: 10, unit: 'steps', at: 7 },
    note: '2.4 steps/s, 3s left, loss 0.6',
  });
  expect(parseProgress('warning: 3 rows are odd', 0)).toBeNull();
  expect(parseProgress('lifealign: unexpected error', 0)).toBeNull();
});
