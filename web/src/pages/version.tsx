/** One version: what it learned and what that did to the others, the gate, what consolidation kept, what it answers. */
import { useState } from 'preact/hooks';
import { decimal } from '../../../src/eval/number-text.ts';
import type { VersionDetail } from '../../../src/service/memories/schema.ts';
import { read } from '../api/client.ts';
import { ChangeDialog } from '../parts/change-dialog.tsx';
import { ConsolidationView } from '../parts/consolidation.tsx';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { SampleAnswers } from '../parts/sample-answers.tsx';
import { GateTable, ScoresTable } from '../parts/tables.tsx';
import { whatOf } from '../parts/versions-table.tsx';
import { When } from '../parts/when.tsx';
import { linkTo } from '../router.ts';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';

interface VersionPageProps {
  readonly memory: string;
  readonly version: string;
}

export function VersionPage({ memory, version }: VersionPageProps) {
  const { may } = useSession();
  const [reverting, setReverting] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const address = `/v1/memories/${encodeURIComponent(memory)}/versions/${encodeURIComponent(version)}`;
  const { data, problem, reload } = useLoad(address, (signal) => read<VersionDetail>(address, signal));
  return (
    <>
      <PageHeading
        title={`${memory}, version ${version}`}
        above={{ name: memory, href: linkTo('memory', memory) }}
      />
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {done !== null && <Notice kind="good">{done}</Notice>}
      {data && (
        <>
          <Summary detail={data} memory={memory} />
          <p class="buttons">
            {data.parent !== null && may('chat') && (
              <a class="button" href={linkTo('playground', `${memory}@v${data.parent}`, data.model)}>
                Beside its parent in the playground
              </a>
            )}
            {may('admin') && data.state !== 'head' && (
              <button type="button" onClick={() => setReverting(true)}>
                Make it the head …
              </button>
            )}
          </p>
          <section class="card">
            <h2>What it did to every task</h2>
            <ScoresTable
              caption="Preference accuracy on report rows, %"
              before={data.before}
              after={data.after}
              task={data.task}
            />
            {data.general && (
              <p class="note">
                Neutral conversations, nats per token: drift from the base {decimal(data.general.kl, 4)}, loss{' '}
                {decimal(data.general.loss, 3)} (base {decimal(data.general.base_loss, 3)}).
              </p>
            )}
          </section>
          {data.gate && (
            <section class="card">
              <h2>The gate</h2>
              <GateTable gate={data.gate} />
            </section>
          )}
          {data.consolidation && <ConsolidationView consolidation={data.consolidation} />}
          {data.parent !== null && <SampleAnswers memory={memory} detail={data} parent={data.parent} />}
          <section class="card">
            <details>
              <summary>Settings that it was made with</summary>
              <pre tabindex={0}>{JSON.stringify(data.config, null, 2)}</pre>
            </details>
          </section>
        </>
      )}
      {reverting && data && (
        <ChangeDialog
          change={{ kind: 'revert', memory, version: data.version }}
          onClose={() => setReverting(false)}
          onDone={(text) => {
            setReverting(false);
            setDone(text);
            reload();
          }}
        />
      )}
    </>
  );
}

function Summary({ detail, memory }: { readonly detail: VersionDetail; readonly memory: string }) {
  const { parent, commit, time, note, tasks, precision, lora, rows, buffer, state } = detail;
  const counted = rows
    ? `${rows.train} to train, ${rows.gate} for the gate, ${rows.report} to report` +
      `${rows.withdrawn > 0 ? `; ${rows.withdrawn} withdrawn since` : ''}${rows.private ? '; private' : ''}`
    : 'none';
  return (
    <section class="card" aria-label="Summary">
      <Facts
        facts={[
          ['learned', <bdi key="what">{whatOf(detail)}</bdi>],
          ['state', state.replace('_', ' ')],
          [
            'parent',
            parent === null ? (
              'none'
            ) : (
              <a key="parent" href={linkTo('memory', memory, 'versions', parent)}>
                version {parent}
              </a>
            ),
          ],
          ['made', <When key="time" time={time} />],
          ['holds', <bdi key="tasks">{tasks.length === 0 ? 'no task' : tasks.join(', ')}</bdi>],
          ['rows', counted],
          ['replayed after it', `${buffer} rows`],
          ['base in training', precision],
          ['adapter', `rank ${lora.rank}, alpha ${lora.alpha}, on ${lora.targets.join(', ')}`],
          ['commit', <code key="commit">{commit.slice(0, 12)}</code>],
          ...(note === '' ? [] : [['note', <bdi key="note">{note}</bdi>] as const]),
        ]}
      />
    </section>
  );
}
