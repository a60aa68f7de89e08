/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Each task's score through the stream: a small chart a task, a line a run. */
import { type ScoreName, scoreTitles } from '../../../comparison/index.ts';
import { decimal } from '../../../number-text.ts';
import { digitsOf, measuredScores, scoresOf } from '../../scores.ts';
import { SharedAxes, smallPanel } from '../charts/frame.tsx';
import { LineChart, pointsAt } from '../charts/line-chart.tsx';
import { extentOf, ticksOf, wholeTicks, xScale, yScale } from '../charts/scales.ts';
import { Legend } from '../charts/series.tsx';
import { Section, type SectionProps, Tables } from '../section.tsx';

/** Numbers of a score that still have dots to be pointed at; all of them stand in the matrices. */
const MOST_DOTTED = 600;

export function TaskCharts({ report }: SectionProps) {
  const { runs } = report;
  return (
    <Section id="tasks" title="Each task through the stream">
      <p class="lead">
        A chart for each task: its score before training (0) and after task 1, 2, …; the upright line is where
        it was learned. All charts of a score share their scale.
      </p>
      <Legend names={runs.map(({ label }) => label)} />
      {measuredScores(runs).map((score) => (
        <>
          <h3>{scoreTitles[score]}</h3>
          <ScoreCharts report={report} score={score} />
          <Tables report={report} ids={`tasks-${score}`} />
        </>
      ))}
    </Section>
  );
}

function ScoreCharts({ report: { runs }, score }: SectionProps & { readonly score: ScoreName }) {
  const tasks = runs[0]!.results.tasks;
  const scores = runs.map((run) => scoresOf(run, score));
  const ofTask = (task: number) =>
    scores.map(({ cells, base }) => [base[task]!, ...cells.map((row) => row[task]!)]);
  const measured = tasks.flatMap((_, task) => ofTask(task).flat()).filter((value) => value !== null);
  const x = xScale(smallPanel, [0, tasks.length]);
  const y = yScale(smallPanel, extentOf(measured), 4);
  const digits = digitsOf(score);
  const axes = `axes-time-${score}`;
  return (
    <div class="charts small">
      <SharedAxes
        id={axes}
        plot={smallPanel}
        xTicks={wholeTicks(x, 0, tasks.length, 22)}
        yTicks={ticksOf(y, 4)}
        xLabel="after task"
        yLabel={unitOf(score)}
      />
      {tasks.map((name, task) => {
        const values = ofTask(task);
        return values.flat().every((value) => value === null) ? null : (
          <LineChart
            id={`time-${score}-${task + 1}`}
            title={`${task + 1} ${name}`}
            description={`${scoreTitles[score]} on ${name}, before training and after each task of the stream.`}
            plot={smallPanel}
            x={x}
            y={y}
            axes={axes}
            dots={measured.length <= MOST_DOTTED}
            series={runs.map(({ label }, style) => ({
              name: label,
              style,
              points: pointsAt(values[style]!, 0),
            }))}
            xGuides={[{ at: task + 1, text: `${name} was learned` }]}
            shown={({ x: after, y: value }) =>
              `${decimal(value, digits)} ${after === 0 ? 'before training' : `after ${tasks[after - 1]}`}`
            }
          />
        );
      })}
    </div>
  );
}

function unitOf(score: ScoreName): string {
  if (score === 'margin') return 'nats';
  return score === 'judge' ? 'score' : '%';
}
