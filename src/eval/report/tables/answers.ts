/** The answers a report shows, as a table: whole texts, with what was asked where its file still says so. */
import type { Message } from '../../../data/row.ts';
import { moments } from '../record/answers.ts';
import type { RunRecord } from '../record/run.ts';
import type { TaskAnswers } from '../sides.ts';
import { type Cell, plain, present, type Table } from './table.ts';

/** `runs` in the order of the answers. */
export function answerTable(answers: readonly TaskAnswers[], runs: readonly RunRecord[]): Table[] {
  const rows = answers.flatMap(({ task, rows }) =>
    rows.flatMap(({ index, asked, answers: ofRuns }) => {
      const of = (who: string, when: string, text: string | null, score: number | null): Cell[] => [
        task,
        index + 1,
        who,
        when,
        score,
        text,
      ];
      return [
        ...(asked ? [of('prompt', '', promptText(asked.prompt), null)] : []),
        ...(asked ? [of('reference', '', asked.reference, null)] : []),
        ...runs.flatMap(({ label }, run) =>
          moments.flatMap((moment) => {
            const answer = ofRuns[run]![moment];
            return answer ? [of(label, moment, answer.text, answer.score)] : [];
          }),
        ),
      ];
    }),
  );
  const columns = [...plain('task', 'test row', 'of', 'when'), { title: 'score' }, ...plain('text')];
  return present({ id: 'answers', title: 'Answers to test prompts', columns, rows });
}

/** One message as it is; several with their roles. */
export function promptText(prompt: readonly Message[]): string {
  const [only, ...others] = prompt;
  if (only && others.length === 0) return only.content;
  return prompt.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}
