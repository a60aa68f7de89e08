/** A learner's answers, for pages that show one at work: the states of a real one come and go. */
import type { Page } from 'playwright-core';

const NOW = Date.now();
const scores = (accuracy: number) => ({ rows: 40, preference_accuracy: accuracy, margin: 1.2 });

const limit = (kind: string, task: string | null, estimate: number, allowed: number) => ({
  ...{ kind, task, estimate, low: estimate - 2, high: estimate + 2, limit: allowed, broken: false },
});

const candidate = {
  ...{ id: 'lt_2', object: 'learner.candidate', task: 'feedback-20261126-k3x9', state: 'canary' },
  ...{ trigger: 'threshold', created_at: NOW - 7_200_000, state_at: NOW - 600_000, feedback: 210, rows: 200 },
  ...{ attempts: 1, from_version: 4, version: 6, model: 'support@v6', commit: 'a'.repeat(64), error: null },
  reason: 'the comparison in the shadow found nothing against it',
  gate: {
    ...{ passed: true, score: 'preference_accuracy', rule: 'significance', level: 0.95 },
    consolidation: { lambda: 0.5, threshold: 0.9, scale: 1 },
    limits: [
      limit('budget', 'empathy', 0.5, 5),
      limit('gain', 'feedback', 31, 0),
      limit('drift', null, 0.02, 0.1),
    ],
    ...{ default_limits: null, searched: [] },
    before: { empathy: scores(95), voice: scores(55) },
    after: { empathy: scores(95), voice: scores(90) },
    general: { kl: 0.01, loss: 2.1, base_loss: 2 },
  },
  shadow: {
    ...{
      prompts: 32,
      compared: 32,
      failed: 0,
      serving_tokens: 41.2,
      candidate_tokens: 43,
      length_ratio: 1.04,
    },
    ...{ exact: 35, similarity: 71.3, reward: { estimate: 0.4, low: 0.1, high: 0.7 } },
  },
  canary: {
    ...{ since: NOW - 600_000, share: 0.1, looks: 1 },
    serving: { answers: 900, errors: 0, rated: 60, bad: 6 },
    candidate: { answers: 101, errors: 0, rated: 12, bad: 1 },
    tests: [{ at: NOW, look: 1, signal: 'ratings', p_value: 0.4, level: 0.025, worse: false }],
  },
};

const learner = {
  ...{ object: 'learner', memory: 'support', state: 'canary', paused: false, candidate: candidate.id },
  ...{ last: { id: candidate.id, state: 'canary' }, serving: { version: 4, model: 'support@v4' } },
  canary: { version: 6, model: 'support@v6', share: 0.1 },
  ...{ leader: 'host:1:a', instance: 'host:1:a', requested: false },
  feedback: { unlearned: 37, rows: 31, unpaired: 5, unusable: 1, duplicates: 0, contradicted: 0 },
  waits_for: [
    { kind: 'answers', have: 101, need: 500 },
    { kind: 'ratings', have: 12, need: 50 },
  ],
  progress: {
    label: 'task feedback-13, preference',
    done: 40,
    total: 120,
    unit: 'steps',
    note: '33s left',
    at: NOW,
  },
  settings: {},
};

const comparisons = [
  {
    ...{
      position: 0,
      prompt: [{ role: 'user', content: 'What of my parcel?' }],
      equal: false,
      similarity: 71.2,
    },
    ...{
      serving: { text: 'It is late.', tokens: 4 },
      candidate: { text: 'I am sorry, it is late.', tokens: 7 },
    },
    ...{ reward: 0.3, at: NOW },
  },
];

const decisions = [
  {
    ...{ id: 'ld_1', at: NOW - 600_000, actor: 'learner', action: 'canary', candidate: candidate.id },
    ...{ from: 'shadow', to: 'canary', detail: { reason: 'nothing against it' } },
  },
];

/** Answers in place of the service. */
export async function sampleLearner(page: Page): Promise<void> {
  await page.route('**/v1/learner**', (route) => {
    const { pathname } = new URL(route.request().url());
    const list = (data: readonly object[]) => ({ object: 'list', data });
    if (pathname.endsWith('/comparisons')) return route.fulfill({ json: list(comparisons) });
    if (pathname.endsWith('/decisions')) return route.fulfill({ json: list(decisions) });
    if (pathname.endsWith('/candidates'))
      return route.fulfill({ json: list([{ ...candidate, gate: null }]) });
    return route.fulfill({ json: pathname.endsWith('/learner') ? learner : candidate });
  });
}
