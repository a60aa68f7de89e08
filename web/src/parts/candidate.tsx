/** One candidate of the learner's: the gate, the comparison in the shadow, the canary, and what an admin may do. */
import { useState } from 'preact/hooks';
import { decimal, shown } from '../../../src/eval/number-text.ts';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { CandidateState, Comparison } from '../../../src/service/learner/schema.ts';
import { post, read, readList } from '../api/client.ts';
import { linkTo } from '../router.ts';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';
import { Facts } from './facts.tsx';
import { Notice } from './notice.tsx';
import { GateTable, ScoresTable } from './tables.tsx';
import { When } from './when.tsx';
import { textOf, Words } from './words.tsx';

const EVERY = 2000;
const SHOWN = 10;

/** What may be done in which state. */
const ACTIONS: Readonly<Record<string, readonly CandidateState['state'][]>> = {
  promote: ['shadow', 'canary'],
  'roll-back': ['shadow', 'canary', 'full'],
  release: ['refused', 'rolled-back', 'failed'],
};

interface CandidateViewProps {
  readonly id: string;
  readonly onChange: () => void;
}

export function CandidateView({ id, onChange }: CandidateViewProps) {
  const { may } = useSession();
  const [note, setNote] = useState('');
  const [told, setTold] = useState<string | null>(null);
  const address = `/v1/learner/candidates/${encodeURIComponent(id)}`;
  const { data, problem, reload } = useLoad(
    address,
    (signal) => read<CandidateState>(address, signal),
    EVERY,
  );
  const act = (action: string) => async () => {
    setTold(null);
    try {
      await post(`${address}/${action}`, note === '' ? {} : { note });
      setNote('');
      reload();
      onChange();
    } catch (error) {
      setTold(error instanceof Error ? error.message : String(error));
    }
  };
  if (problem !== null && data === null) return <Notice kind="bad">{problem}</Notice>;
  if (data === null) return null;
  const actions = Object.keys(ACTIONS).filter((action) => ACTIONS[action]!.includes(data.state));
  return (
    <section class="card">
      <h2>
        Candidate <bdi>{data.task}</bdi>
      </h2>
      <Facts
        facts={[
          ['state', data.state],
          ['since', <When key="since" time={data.state_at} />],
          ['why', data.reason === null ? '-' : <bdi key="reason">{data.reason}</bdi>],
          ['made of', `${data.feedback} pieces of feedback, ${data.rows} rows`],
          ['version', data.model ?? '-'],
        ]}
      />
      {data.error !== null && <Notice kind="bad">{data.error}</Notice>}
      {data.gate && (
        <>
          <h3>The gate</h3>
          <GateTable gate={data.gate} />
          <ScoresTable
            caption="Preference accuracy on report rows, %"
            before={data.gate.before}
            after={data.gate.after}
            task={data.task}
          />
        </>
      )}
      {data.shadow && <Shadow address={address} shadow={data.shadow} />}
      {data.canary && <Canary canary={data.canary} />}
      {told !== null && <Notice kind="bad">{told}</Notice>}
      {may('admin') && actions.length > 0 && (
        <div class="filters">
          <label class="inline">
            Note
            <input type="text" value={note} onInput={(event) => setNote(event.currentTarget.value)} />
          </label>
          {actions.map((action) => (
            <button
              key={action}
              type="button"
              class={action === 'promote' ? 'primary' : ''}
              onClick={act(action)}
            >
              {action === 'promote' ? 'Promote' : action === 'release' ? 'Release its feedback' : 'Roll back'}
            </button>
          ))}
          {data.model && data.from_version !== null && (
            <a class="button" href={linkTo('playground', data.model)}>
              Try it in the playground
            </a>
          )}
        </div>
      )}
    </section>
  );
}

interface ShadowProps {
  readonly address: string;
  readonly shadow: NonNullable<CandidateState['shadow']>;
}

function Shadow({ address, shadow }: ShadowProps) {
  const list = `${address}/comparisons?limit=${SHOWN}`;
  const { data } = useLoad(`${list} ${shadow.compared}`, (signal) => readList<Comparison>(list, signal));
  return (
    <>
      <h3>In the shadow</h3>
      <Facts
        facts={[
          [
            'compared',
            `${shadow.compared} of ${shadow.prompts}${shadow.failed > 0 ? `, ${shadow.failed} failed` : ''}`,
          ],
          ['equal answers', `${decimal(shadow.exact)} %`],
          ['likeness (chrF)', decimal(shadow.similarity)],
          ['length, candidate / serving', decimal(shadow.length_ratio, 2)],
          ['implicit reward, nats', shadow.reward ? shown(shadow.reward, 2) : '-'],
        ]}
      />
      {data && data.length > 0 && (
        <details>
          <summary>Answers side by side</summary>
          <ScrollBox label="compared answers">
            <table class="answers">
              <thead>
                <tr>
                  <th scope="col">prompt</th>
                  <th scope="col">serving</th>
                  <th scope="col">candidate</th>
                </tr>
              </thead>
              <tbody>
                {data.map(({ position, prompt, serving, candidate, equal }) => (
                  <tr key={position}>
                    <th scope="row">
                      <Words
                        text={textOf((prompt.at(-1) as { content?: unknown } | undefined)?.content ?? '')}
                      />
                    </th>
                    <td>
                      <Words text={serving?.text ?? 'no answer'} />
                    </td>
                    <td class={equal ? undefined : 'changed'}>
                      <Words text={candidate?.text ?? 'no answer'} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollBox>
        </details>
      )}
    </>
  );
}

function Canary({ canary }: { readonly canary: NonNullable<CandidateState['canary']> }) {
  const arms = [
    ['serving', canary.serving],
    ['candidate', canary.candidate],
  ] as const;
  return (
    <>
      <h3>As a canary, {decimal(100 * canary.share, 0)} % of requests</h3>
      <ScrollBox label="canary">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">version</th>
              <th scope="col">answers</th>
              <th scope="col">errors</th>
              <th scope="col">rated</th>
              <th scope="col">rated bad</th>
            </tr>
          </thead>
          <tbody>
            {arms.map(([name, { answers, errors, rated, bad }]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{answers}</td>
                <td>{errors}</td>
                <td>{rated}</td>
                <td>{bad}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      {canary.tests.length > 0 && (
        <ul class="log">
          {canary.tests.map(({ at, look, signal, p_value, level, worse }) => (
            <li key={`${look} ${signal}`}>
              <When time={at} /> look {look}, {signal}: p {p_value.toPrecision(2)} at level{' '}
              {level.toPrecision(2)}{' '}
              <span class={`badge ${worse ? 'bad' : 'good'}`}>{worse ? 'worse' : 'not worse'}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
