/** The conversations that judging models are asked to continue: a rating, and a comparison of two. */
import type { ChatMessage } from './chat.ts';
import { type Fenced, fence } from './fence.ts';
import type { JudgedAnswer } from './judge.ts';
import { dataRules, type Rubric } from './prompts.ts';

export interface Question {
  readonly messages: readonly ChatMessage[];
  /** The same once more, saying that the reply before was not in the asked format. */
  readonly again: readonly ChatMessage[];
}

const RATING_FORMAT = 'exactly {"score": n}, n being a whole number from 1 to 10';
const COMPARISON_FORMAT = 'exactly one of {"better": "A"}, {"better": "B"} and {"better": "tie"}';

export function ratingQuestion(rubric: Rubric, { query, reference, answer }: JudgedAnswer): Question {
  const fenced = fence([
    ['question', query],
    ['reference', reference],
    ['answer', answer],
  ]);
  const task = `You rate an answer to a question on a scale from 1 to 10. The aspect is ${rubric.subject}.

${rubric.criteria}

The scale: 10 leaves nothing to wish for; 8 is good with small faults; 5 is half right; 3 has serious faults; 1 is useless, harmful or empty. Use all of it.`;
  return question(task, fenced, 'Rate the answer now.', RATING_FORMAT);
}

export function comparisonQuestion(
  rubric: Rubric,
  { query, reference }: Pick<JudgedAnswer, 'query' | 'reference'>,
  answers: { readonly a: string; readonly b: string },
): Question {
  const fenced = fence([
    ['question', query],
    ['reference', reference],
    ['answer A', answers.a],
    ['answer B', answers.b],
  ]);
  const task = `You compare two answers, A and B, to the same question. The aspect is ${rubric.subject}.

${rubric.criteria}

Say which answer is better, or that they are equally good. Their order is chance and says nothing, and neither does their length.`;
  return question(task, fenced, 'Compare the answers now.', COMPARISON_FORMAT);
}

/** The order stands before the material and after it: what was read last weighs most. */
function question(task: string, { code, text }: Fenced, order: string, format: string): Question {
  const system = `${task}\n\n${dataRules(code)}\n\nReply with ${format}, and nothing else: no explanation.`;
  const user = `${text}\n\nThat was all the material. ${order} Reply with ${format}.`;
  const reminder = 'Your last reply was not in that format. Reply with the JSON object alone.';
  return {
    messages: messages(system, user),
    again: messages(system, `${user}\n${reminder}`),
  };
}

function messages(system: string, user: string): ChatMessage[] {
  return [
    { role: 'system', content: system },
    { role: 'user', content: user },
  ];
}
