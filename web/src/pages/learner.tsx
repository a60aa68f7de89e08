/** The learner as it works: what it waits for, how far it is, what became of its candidates, and a hand on it. */
import { useState } from 'preact/hooks';
import { post, read, readList } from '../api/client.ts';
import type { Candidate, Decision, Learner, WaitsFor } from '../api/learner.ts';
import { CandidateView } from '../parts/candidate.tsx';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { When } from '../parts/when.tsx';
import { linkTo } from '../router.ts';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';

const EVERY = 2000;
const DECISIONS = 20;

export function LearnerPage({ candidate }: { readonly candidate: string | null }) {
  const learner = useLoad('learner', (signal) => read<Learner>('/v1/learner', signal), EVERY);
  const { data } = learner;
  const shown = candidate ?? data?.candidate ?? data?.last?.id ?? null;
  return (
    <>
      <PageHeading title="Learner" />
      {learner.problem !== null && <Notice kind="bad">{learner.problem}</Notice>}
      {data && (
        <>
          <State learner={data} onChange={learner.reload} />
          {shown !== null && <CandidateView key={shown} id={shown} onChange={learner.reload} />}
          <Candidates />
          <Decisions />
        </>
      )}
    </>
  );
}

const STATES: Readonly<Record<Learner['state'], string>> = {
  off: 'off: this service does not learn by itself',
  idle: 'idle: nothing is accepted that it has not learned',
  waiting: 'waiting',
  learning: 'learning',
  shadow: 'comparing a new version in the shadow',
  canary: 'trying a new version on a part of the requests',
};

interface StateProps {
  readonly learner: Learner;
  readonly onChange: () => void;
}

function State({ learner, onChange }: StateProps) {
  const { may } = useSession();
  const { state, paused, progress, feedback, waits_for, serving, canary, requested } = learner;
  const [problem, setProblem] = useState<string | null>(null);
  const act = (action: 'learn' | 'pause' | 'resume') => async () => {
    setProblem(null);
    try {
      await post(`/v1/learner/${action}`);
      onChange();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section class="card">
      <h2>
        Now: {STATES[state]}
        {paused ? ' (paused)' : ''}
      </h2>
      {progress && <ProgressBar progress={progress} />}
      {waits_for.length > 0 && (
        <ul>
          {waits_for.map((one) => (
            <li key={`${one.kind} ${one.until ?? ''}`}>{waitText(one)}</li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ['memory', learner.memory === null ? '-' : <bdi key="memory">{learner.memory}</bdi>],
          ['answers', serving?.model ?? '-'],
          ...(canary ? [['canary', `${canary.model}, ${100 * canary.share} % of requests`] as const] : []),
          ['accepted, not learned', feedback.unlearned],
          ['rows they make', feedback.rows],
          ['thumbs without a counterpart', feedback.unpaired],
          ['contradicted', feedback.contradicted],
        ]}
      />
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {may('admin') && state !== 'off' && (
        <p class="buttons">
          <button type="button" disabled={requested} onClick={act('learn')}>
            {requested ? 'Learning was asked for' : 'Learn now'}
          </button>
          <button type="button" onClick={act(paused ? 'resume' : 'pause')}>
            {paused ? 'Resume' : 'Pause'}
          </button>
        </p>
      )}
    </section>
  );
}

function ProgressBar({
  progress: { label, done, total, unit, note },
}: {
  readonly progress: NonNullable<Learner['progress']>;
}) {
  return (
    <div class="progress">
      <label>
        {label}: {done} of {total} {unit}
        <progress value={done} max={Math.max(total, 1)} />
      </label>
      <span class="note">{note}</span>
    </div>
  );
}

function waitText({ kind, have, need, until, reason }: WaitsFor): string {
  if (kind === 'time')
    return `until ${until === undefined ? 'later' : new Date(until).toLocaleString('en-GB')}`;
  if (kind === 'admin') return `for an admin: ${reason ?? ''}`;
  if (kind === 'paused') return 'it is paused';
  return `for ${kind}: ${have ?? '?'} of ${need ?? '?'}`;
}

function Candidates() {
  const { data } = useLoad(
    'candidates',
    (signal) => readList<Candidate>('/v1/learner/candidates?limit=20', signal),
    EVERY,
  );
  if (data === null || data.length === 0) return null;
  return (
    <section class="card">
      <h2>Candidates</h2>
      <ul class="log">
        {data.map(({ id, task, state, state_at, rows, model }) => (
          <li key={id}>
            <When time={state_at} />{' '}
            <a href={linkTo('learner', id)}>
              <bdi>{task}</bdi>
            </a>{' '}
            <span class={`badge ${toneOf(state)}`}>{state}</span>{' '}
            <span class="note">
              {rows} rows{model ? `, ${model}` : ''}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function toneOf(state: Candidate['state']): string {
  if (state === 'full') return 'good';
  return ['refused', 'failed', 'rolled-back'].includes(state) ? 'bad' : '';
}

function Decisions() {
  const { data } = useLoad(
    'decisions',
    (signal) => readList<Decision>(`/v1/learner/decisions?limit=${DECISIONS}`, signal),
    EVERY,
  );
  if (data === null || data.length === 0) return null;
  return (
    <section class="card">
      <h2>Decisions</h2>
      <ul class="log">
        {data.map(({ id, at, actor, action, from, to, detail }) => (
          <li key={id}>
            <When time={at} /> <b>{action}</b> {from !== null && to !== null && `${from} → ${to}`}{' '}
            <bdi>{typeof detail['reason'] === 'string' ? detail['reason'] : ''}</bdi>{' '}
            <span class="note">by {actor}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
