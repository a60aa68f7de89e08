import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPairwiseJudge } from '../../src/eval/llm-judge/pairwise-judge.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { clientOf, type JudgeServer, type SeenRequest, says, startJudgeServer } from './llm-judge-server.ts';

const folder = useTemporaryCache();
let server: JudgeServer;

beforeEach(async () => {
  server = await startJudgeServer();
});
afterEach(() => server.close());

const pair = (answer: string, other: string) => ({ query: 'Why?', reference: 'Because.', answer, other });

/** What stands as A and as B in a request. */
function shown({ prompt }: SeenRequest): { a: string; b: string } {
  const text = (name: string) => new RegExp(`answer ${name} begins>>>\\n(.*)\\n`).exec(prompt)?.[1] ?? '';
  return { a: text('A'), b: text('B') };
}

/** Prefers the longer text. */
function honest(request: SeenRequest) {
  const { a, b } = shown(request);
  const better = a.length === b.length ? 'tie' : a.length > b.length ? 'A' : 'B';
  return says(`{"better": "${better}"}`);
}

describe('a pairwise judge', () => {
  it('asks in both orders and counts wins, losses and ties', async () => {
    server.answer = honest;
    const { client } = await clientOf(server, folder());
    const items = [pair('long one', 'short'), pair('tiny', 'longer one'), pair('same 1', 'same 2')];
    const report = await createPairwiseJudge(client, 'helpful').judge(items);
    expect(report).toMatchObject({
      verdicts: ['win', 'loss', 'tie'],
      scores: [100, 0, 50],
      wins: 1,
      losses: 1,
      ties: 1,
      disagreement: 0,
      requests: 6,
    });
    expect(server.requests.slice(0, 2).map(shown)).toEqual([
      { a: 'long one', b: 'short' },
      { a: 'short', b: 'long one' },
    ]);
  });

  it('takes a favoured position for a tie and reports the disagreement', async () => {
    server.answer = (request) => (request.prompt.includes('x1') ? honest(request) : says('{"better": "A"}'));
    const { client } = await clientOf(server, folder());
    const items = [
      pair('x1 long', 'x1'),
      pair('x2 long', 'x2'),
      pair('x3', 'x3 long'),
      pair('x1', 'x1 long'),
    ];
    const report = await createPairwiseJudge(client, 'hc3').judge(items);
    expect(report.verdicts).toEqual(['win', 'tie', 'tie', 'loss']);
    expect(report.disagreement).toBe(50);
  });

  it('counts a win in one order and a tie in the other as disagreement', async () => {
    server.answer = (_request, count) => says(count === 1 ? '{"better": "A"}' : '{"better": "tie"}');
    const { client } = await clientOf(server, folder());
    const report = await createPairwiseJudge(client, 'hc3').judge([pair('one', 'two')]);
    expect(report).toMatchObject({ verdicts: ['tie'], disagreement: 100 });
  });

  it('has no verdict where either order has none, and asks nobody about equal answers', async () => {
    server.answer = (request) => {
      const { a } = shown(request);
      if (a === 'refused') return says(null, { refusal: 'No.' });
      if (a === 'unclear') return says('{"score": 3}');
      return says('{"better": "A"}');
    };
    const { client } = await clientOf(server, folder());
    const items = [pair('good', 'refused'), pair('unclear', 'good'), pair('equal', 'equal')];
    const report = await createPairwiseJudge(client, 'general').judge(items);
    expect(report).toMatchObject({
      verdicts: [null, null, 'tie'],
      scores: [null, null, 50],
      refusals: 1,
      failures: 1,
      disagreement: 0,
      requests: 2 + 2,
    });
    const none = await createPairwiseJudge(client, 'general').judge([]);
    expect(none).toMatchObject({ verdicts: [], disagreement: null });
  });
});
