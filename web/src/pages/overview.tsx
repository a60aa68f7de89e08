/** What there is at a glance: memories with what each version learned, what waits, and how the service is. */
import type { ReviewItem } from '../../../src/service/feedback/item.ts';
import type { MemorySummary, VersionSummary } from '../../../src/service/memories/schema.ts';
import { ask, Refusal, readList } from '../api/client.ts';
import { Facts } from '../parts/facts.tsx';
import { LearnerLine } from '../parts/learner-line.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { VersionsTable } from '../parts/versions-table.tsx';
import { When } from '../parts/when.tsx';
import { linkTo } from '../router.ts';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';

const EVERY = 5000;
/** Of a memory's versions. */
const SHOWN = 6;
/** Beyond, it is only said that there are more. */
const MOST_COUNTED = 50;

interface Entry {
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
}

export function OverviewPage() {
  const memories = useLoad('memories', (signal) => readList<MemorySummary>('/v1/memories', signal), EVERY);
  return (
    <>
      <PageHeading title="Overview" />
      <Health />
      {memories.problem !== null && <Notice kind="bad">{memories.problem}</Notice>}
      {memories.data?.length === 0 && (
        <section class="card">
          <h2>No memory</h2>
          <p>
            This service answers without a long-term memory. <code>lifealign memory init</code> makes one, and{' '}
            <code>lifealign serve --memory NAME=FOLDER</code> answers from it.
          </p>
        </section>
      )}
      {memories.data?.map((memory) => (
        <MemoryCard key={memory.name} memory={memory} />
      ))}
      <Recent />
    </>
  );
}

function Health() {
  const { may } = useSession();
  const ready = useLoad(
    'ready',
    async (signal) => {
      try {
        await ask('/readyz', { signal });
        return 'ready';
      } catch (error) {
        // 503 says why in a body of another shape.
        if (error instanceof Refusal && error.status > 0) return 'not ready';
        throw error;
      }
    },
    EVERY,
  );
  const pending = useLoad(
    'pending',
    (signal) => readList<ReviewItem>(`/v1/feedback?limit=${MOST_COUNTED}`, signal),
    EVERY,
  );
  const models = useLoad(may('chat') ? 'models' : null, (signal) => readList<unknown>('/v1/models', signal));
  const count = pending.data?.length ?? null;
  return (
    <section class="card" aria-label="Health">
      <Facts
        facts={[
          [
            'service',
            <span key="ready" class={`badge ${ready.data === 'ready' ? 'good' : 'bad'}`}>
              {ready.problem ?? ready.data ?? 'asking'}
            </span>,
          ],
          ['models and versions', models.data?.length ?? '-'],
          [
            'waiting for review',
            <a key="review" href={linkTo('review')}>
              {count === null ? '-' : count === MOST_COUNTED ? `${count} or more` : count}
            </a>,
          ],
          ['learner', <LearnerLine key="learner" />],
        ]}
      />
    </section>
  );
}

function MemoryCard({ memory }: { readonly memory: MemorySummary }) {
  const { name, base, precision, head, tasks, serving, updated } = memory;
  const versions = useLoad(`${name} ${head} ${memory.versions}`, (signal) =>
    readList<VersionSummary>(`/v1/memories/${encodeURIComponent(name)}/versions`, signal),
  );
  return (
    <section class="card">
      <h2>
        <a href={linkTo('memory', name)}>
          <bdi>{name}</bdi>
        </a>
      </h2>
      <Facts
        facts={[
          ['head', `version ${head}`],
          [
            'answers',
            serving === head ? (
              <span key="serving" class="badge good">{`version ${serving}`}</span>
            ) : (
              <span key="serving" class="badge">
                {serving === null ? 'not known' : `still version ${serving}`}
              </span>
            ),
          ],
          ['base', <bdi key="base">{base}</bdi>],
          ['base in training', precision],
          ['head moved', <When key="updated" time={updated} />],
        ]}
      />
      <p class="chips">
        {tasks.length === 0 ? (
          <span class="note">It has learned nothing yet.</span>
        ) : (
          <span class="note">holds</span>
        )}
        {tasks.map((task) => (
          <bdi key={task} class="chip">
            {task}
          </bdi>
        ))}
      </p>
      {versions.problem !== null && <Notice kind="bad">{versions.problem}</Notice>}
      {versions.data && <VersionsTable memory={name} versions={versions.data.slice(0, SHOWN)} />}
      {versions.data && versions.data.length > SHOWN && (
        <p>
          <a href={linkTo('memory', name)}>All {versions.data.length} versions</a>
        </p>
      )}
    </section>
  );
}

/** For admins: who did what. */
function Recent() {
  const { may } = useSession();
  const { data } = useLoad(
    may('admin') ? 'audit' : null,
    (signal) => readList<Entry>('/v1/audit?limit=8', signal),
    EVERY,
  );
  if (data === null || data.length === 0) return null;
  return (
    <section class="card">
      <h2>What was done</h2>
      <ul class="log">
        {data.map(({ id, at, actor, action, target }) => (
          <li key={id}>
            <When time={at} /> <b>{action}</b> <bdi>{shortened(target)}</bdi>{' '}
            <span class="note">by {actor}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

const LONGEST = 24;

/** Ids are long and tell people nothing. */
function shortened(target: string): string {
  return target.length <= LONGEST ? target : `${target.slice(0, LONGEST - 1)}…`;
}
