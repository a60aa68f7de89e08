/** A memory: its result matrix, every task through time, its versions, and taking a task out. */
import { useState } from 'preact/hooks';
import { HeatLegend, HeatTable } from '../../../src/eval/report/page/charts/heat-table.tsx';
import { heatScale } from '../../../src/eval/report/page/colours.ts';
import type {
  MemoryMatrix,
  MemorySummary,
  Move,
  VersionSummary,
} from '../../../src/service/memories/schema.ts';
import { read, readList } from '../api/client.ts';
import { type Change, ChangeDialog } from '../parts/change-dialog.tsx';
import { LinePlot } from '../parts/line-plot.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { VersionsTable } from '../parts/versions-table.tsx';
import { When } from '../parts/when.tsx';
import { linkTo } from '../router.ts';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';

const EVERY = 5000;
const MOVES = 20;

export function MemoryPage({ name }: { readonly name: string }) {
  const { may } = useSession();
  const [change, setChange] = useState<Change | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const address = `/v1/memories/${encodeURIComponent(name)}`;
  const memories = useLoad('memories', (signal) => readList<MemorySummary>('/v1/memories', signal), EVERY);
  const memory = memories.data?.find((one) => one.name === name) ?? null;
  // What is drawn is asked for again when the head has moved, and not before.
  const state = memory && `${memory.head} ${memory.versions} ${memory.updated}`;
  const matrix = useLoad(state && `matrix ${state}`, (signal) =>
    read<MemoryMatrix>(`${address}/matrix`, signal),
  );
  const versions = useLoad(state && `versions ${state}`, (signal) =>
    readList<VersionSummary>(`${address}/versions`, signal),
  );
  const moves = useLoad(state && `moves ${state}`, (signal) => readList<Move>(`${address}/moves`, signal));
  const problem = memories.problem ?? matrix.problem ?? versions.problem;
  return (
    <>
      <PageHeading title={name} above={{ name: 'Overview', href: linkTo() }} />
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {memories.data !== null && memory === null && <Notice kind="bad">There is no such memory here.</Notice>}
      {done !== null && <Notice kind="good">{done}</Notice>}
      {matrix.data && <Matrix matrix={matrix.data} />}
      {memory && may('admin') && memory.tasks.length > 0 && (
        <section class="card">
          <h2>Take a task out</h2>
          <p class="note">
            The memory as it would be had the task never been merged; its rows are removed. The effect is
            shown first.
          </p>
          <p class="chips">
            {memory.tasks.map((task) => (
              <button
                key={task}
                type="button"
                onClick={() => setChange({ kind: 'drop', memory: name, task })}
              >
                Drop <bdi>{task}</bdi> …
              </button>
            ))}
          </p>
        </section>
      )}
      {versions.data && (
        <section class="card">
          <h2>Versions</h2>
          <VersionsTable memory={name} versions={versions.data} />
        </section>
      )}
      {moves.data && (
        <section class="card">
          <h2>Where the head has been</h2>
          <ol class="log" reversed>
            {moves.data.slice(0, MOVES).map(({ move, time, action, head, note }) => (
              <li key={move}>
                <When time={time} /> <b>{action}</b>, the head is version {head}{' '}
                <span class="note">
                  <bdi>{note}</bdi>
                </span>
              </li>
            ))}
          </ol>
        </section>
      )}
      {change && (
        <ChangeDialog
          change={change}
          onClose={() => setChange(null)}
          onDone={(text) => {
            setChange(null);
            setDone(text);
            memories.reload();
          }}
        />
      )}
    </>
  );
}

function Matrix({ matrix: { tasks, rows } }: { readonly matrix: MemoryMatrix }) {
  if (tasks.length === 0) return <p class="card note">It has learned nothing yet.</p>;
  const scale = heatScale(
    'sequential',
    rows.flatMap(({ values }) => values),
  );
  const named = rows.map(({ version, name, values }) => ({
    name: `v${version} ${name}`,
    values,
    apart: version === 0,
  }));
  return (
    <section class="card">
      <h2>What it can, over time</h2>
      <p class="note">
        Preference accuracy on report rows, %, of each task (columns) after each change (rows). Outlined: the
        task that the version learned. A number before a task was learned is what was there already.
      </p>
      <HeatTable
        title="Preference accuracy, %"
        corner="after"
        columns={tasks}
        rows={named}
        scale={scale}
        digits={1}
        diagonal={rows.every(({ name }, at) => at === 0 || name === tasks[at - 1])}
      />
      <HeatLegend scale={scale} digits={0} unit="%" />
      <LinePlot
        title="Each task through time"
        unit="preference accuracy, %"
        places={named.map(({ name }) => name)}
        curves={tasks.map((name, at) => ({ name, values: rows.map(({ values }) => values[at] ?? null) }))}
        range={[Math.min(scale.low, 50), 102]}
      />
    </section>
  );
}
