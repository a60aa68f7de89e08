/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A report's page, section after section. */
import type { Report } from '../report.ts';
import { tasksReached } from '../scores.ts';
import { DotShapes } from './charts/series.tsx';
import { Answers } from './sections/answers.tsx';
import { Consolidation } from './sections/consolidation.tsx';
import { General } from './sections/general.tsx';
import { Matrices } from './sections/matrix.tsx';
import { Replay } from './sections/replay.tsx';
import { Rerun } from './sections/rerun.tsx';
import { Summary } from './sections/summary.tsx';
import { TaskCharts } from './sections/tasks.tsx';
import { Training } from './sections/training.tsx';

const contents = [
  ['summary', 'Summary'],
  ['matrix', 'Result matrix'],
  ['tasks', 'Each task'],
  ['general', 'General ability'],
  ['training', 'Training'],
  ['consolidation', 'Consolidation'],
  ['replay', 'Replay'],
  ['answers', 'Answers'],
  ['rerun', 'To run it again'],
] as const;

export function Page({ report }: { readonly report: Report }) {
  return (
    <>
      <DotShapes />
      <Header report={report} />
      <nav aria-label="Contents">
        <ol>
          {contents.map(([id, title]) => (
            <li>
              <a href={`#${id}`}>{title}</a>
            </li>
          ))}
        </ol>
      </nav>
      <main>
        <Summary report={report} />
        <Matrices report={report} />
        <TaskCharts report={report} />
        <General report={report} />
        <Training report={report} />
        <Consolidation report={report} />
        <Replay report={report} />
        <Answers report={report} />
        <Rerun report={report} />
      </main>
    </>
  );
}

function Header({ report: { runs } }: { readonly report: Report }) {
  const { tasks } = runs[0]!.results;
  return (
    <header>
      <p class="kicker">LifeAlign report</p>
      <h1>
        <bdi>{reportTitle(runs.map(({ label }) => label))}</bdi>
      </h1>
      <ul class="runs">
        {runs.map((run) => (
          <li>
            <b>
              <bdi>{run.label}</bdi>
            </b>{' '}
            {[run.config.method, run.config.base, `seed ${run.config.seed}`].filter(Boolean).join(' · ')} ·{' '}
            {run.summary
              ? `${tasks.length} tasks`
              : `not finished: ${tasksReached(run)} of ${tasks.length} tasks`}
          </li>
        ))}
      </ul>
    </header>
  );
}

export function reportTitle(labels: readonly string[]): string {
  const [first = '', ...others] = labels;
  if (others.length > 3) return `${first} and ${others.length} other runs`;
  return labels.join(' · ');
}
