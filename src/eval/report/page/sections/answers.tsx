/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Answers side by side: the base's, when the task was learned, and at the end. Every text comes from outside. */
import { decimal } from '../../../number-text.ts';
import { type Answer, type Moment, moments } from '../../record/answers.ts';
import type { SideBySideRow, TaskAnswers } from '../../sides.ts';
import { promptText } from '../../tables/answers.ts';
import { ScrollBox } from '../scroll-box.tsx';
import { MissingNotes, Section, type SectionProps } from '../section.tsx';
import { Text } from '../text.tsx';

/** Characters of all texts together, so that a page of many tasks still opens quickly; and of each, within these. */
const PAGE_LENGTH = 500_000;
const LEAST_LENGTH = 240;
const MOST_LENGTH = 20_000;

const momentTitles: Readonly<Record<Moment, string>> = {
  base: 'base',
  learned: 'when learned',
  end: 'at the end',
};

interface AnswerColumn {
  readonly run: number;
  readonly label: string;
  readonly moment: Moment;
}

export function Answers({ report }: SectionProps) {
  const { answers, answered } = report;
  const rows = answers.reduce((sum, task) => sum + task.rows.length, 0);
  const length = Math.floor(PAGE_LENGTH / (rows * (2 + moments.length * answered.length) || 1));
  const longest = Math.min(Math.max(length, LEAST_LENGTH), MOST_LENGTH);
  return (
    <Section id="answers" title="Answers before and after">
      <MissingNotes report={report} part="answers" />
      <p class="lead">
        A few test prompts of each task, those whose score changed first. Whole texts stand in
        tables/answers.csv.
      </p>
      {answers.map((task, at) => {
        const isLast = at === answers.length - 1;
        const columns = columnsOf(
          answered.map(({ label }) => label),
          isLast,
        );
        return <Task task={task} columns={columns} longest={longest} />;
      })}
    </Section>
  );
}

/** The base is one, however many runs; the last task is learned when the stream ends. */
function columnsOf(labels: readonly string[], isLast: boolean): AnswerColumn[] {
  const after: readonly Moment[] = isLast ? ['end'] : ['learned', 'end'];
  return [
    { run: 0, label: '', moment: 'base' },
    ...labels.flatMap((label, run) => after.map((moment) => ({ run, label, moment }))),
  ];
}

interface TaskProps {
  readonly task: TaskAnswers;
  readonly columns: readonly AnswerColumn[];
  readonly longest: number;
}

function Task({ task: { task, isPrivate, rows, problem }, columns, longest }: TaskProps) {
  return (
    <div class="task-answers">
      <h3>
        <bdi>{task}</bdi>
      </h3>
      {isPrivate && <p class="private">private: its scores are shown, no text of it is.</p>}
      {!isPrivate && rows.length === 0 && <p class="missing">No answers are recorded.</p>}
      {problem !== null && <p class="missing">Prompts and references are not shown: {problem}.</p>}
      {rows.map((row) => (
        <Row task={task} row={row} columns={columns} longest={longest} />
      ))}
    </div>
  );
}

interface RowProps extends Pick<TaskProps, 'columns' | 'longest'> {
  readonly task: string;
  readonly row: SideBySideRow;
}

function Row({ task, row: { index, asked, answers }, columns, longest }: RowProps) {
  const several = answers.length > 1;
  return (
    <article class="row">
      <h4>Test row {index + 1}</h4>
      {asked && (
        <dl class="asked">
          <dt>Prompt</dt>
          <dd>
            <Text text={promptText(asked.prompt)} longest={longest} />
          </dd>
          <dt>Reference</dt>
          <dd>
            <Text text={asked.reference} longest={longest} />
          </dd>
        </dl>
      )}
      <ScrollBox label={`Answers to test row ${index + 1} of ${task}`}>
        <table class="answers">
          <caption class="unseen">
            Answers to test row {index + 1} of <bdi>{task}</bdi>
          </caption>
          <thead>
            <tr>
              {columns.map(({ label, moment }) => (
                <th scope="col">
                  {several && label !== '' && (
                    <>
                      <bdi>{label}</bdi>{' '}
                    </>
                  )}
                  {momentTitles[moment]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr>
              {columns.map(({ run, moment }) => (
                <td>
                  <AnswerCell answer={answers[run]![moment] ?? null} longest={longest} />
                </td>
              ))}
            </tr>
          </tbody>
        </table>
      </ScrollBox>
    </article>
  );
}

function AnswerCell({ answer, longest }: { readonly answer: Answer | null; readonly longest: number }) {
  if (!answer) return <span class="none">not recorded</span>;
  return (
    <>
      {answer.score !== null && <p class="score">score {decimal(answer.score)}</p>}
      {answer.text === '' ? <span class="none">(empty)</span> : <Text text={answer.text} longest={longest} />}
    </>
  );
}
