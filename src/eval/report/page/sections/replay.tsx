/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What each task was trained on beside its own rows, and what the buffer held after it. */
import type { RunRecord } from '../../record/run.ts';
import { keptRows, trainedRows } from '../../tables/replay.ts';
import { BarChart } from '../charts/bar-chart.tsx';
import { heatClass } from '../colours.ts';
import { Blocks, MissingNotes, Section, type SectionProps, Tables } from '../section.tsx';

type Counts = (run: RunRecord, task: number) => Map<string, number> | null;

export function Replay({ report }: SectionProps) {
  const isRecorded = report.runs.some(({ tasks }) => tasks.some(({ replay }) => replay));
  return (
    <Section id="replay" title="Replay">
      <MissingNotes report={report} part="replay" />
      {isRecorded && (
        <>
          <Origins report={report} />
          <Blocks report={report} of="charts">
            <div>
              <h3>Rows each task was trained on</h3>
              <Compositions report={report} id="trained" what="Rows trained on" counts={trainedRows} />
            </div>
            <div>
              <h3>Rows in the buffer after each task</h3>
              <Compositions report={report} id="kept" what="Rows in the buffer" counts={keptRows} />
            </div>
          </Blocks>
        </>
      )}
      <Tables report={report} ids="replay" />
    </Section>
  );
}

/** The number in a part is its task's place in the stream. */
function Origins({ report: { runs } }: SectionProps) {
  const { tasks } = runs[0]!.results;
  return (
    <ol class="origins">
      {tasks.map((name, task) => (
        <li>
          <i class={originClass(task, tasks.length)}>{task + 1}</i> <bdi>{name}</bdi>
        </li>
      ))}
    </ol>
  );
}

interface CompositionsProps extends SectionProps {
  readonly id: string;
  readonly what: string;
  readonly counts: Counts;
}

function Compositions({ report: { runs }, id, what, counts }: CompositionsProps) {
  const compositions = runs.map((run) =>
    run.results.tasks.map((_, task) => ({ task, rows: counts(run, task) })).filter(({ rows }) => rows),
  );
  const totals = compositions
    .flat()
    .map(({ rows }) => [...(rows?.values() ?? [])].reduce((sum, count) => sum + count, 0));
  const most = Math.max(...totals, 1);
  return (
    <div class="charts">
      {runs.map(({ label, results: { tasks } }, at) =>
        compositions[at]!.length === 0 ? null : (
          <BarChart
            id={`replay-${id}-${at + 1}`}
            title={label}
            description={`${what} of ${label}, by the task they come from.`}
            xLabel="task"
            yLabel="rows"
            most={most}
            bars={compositions[at]!.map(({ task, rows }) => ({
              name: String(task + 1),
              parts: tasks.flatMap((origin, place) => {
                const value = rows?.get(origin) ?? 0;
                if (value === 0) return [];
                return [
                  {
                    value,
                    class: originClass(place, tasks.length),
                    text: String(place + 1),
                    title: `${value} rows of ${origin}`,
                    of: `rows of ${origin}`,
                  },
                ];
              }),
            }))}
          />
        ),
      )}
    </div>
  );
}

/** Old tasks have the scale's one end, new ones the other. */
function originClass(task: number, tasks: number): string {
  return heatClass(task, { kind: 'sequential', low: -0.15 * tasks, high: tasks - 1 });
}
