/** Two versions side by side: the same messages, answers as they are made, and feedback on each. */
import { useRef, useState } from 'preact/hooks';
import { type Answer, chat, type Turn } from '../api/chat.ts';
import { readList } from '../api/client.ts';
import { AnswerFeedback, PairFeedback } from '../parts/answer-feedback.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { Words } from '../parts/words.tsx';
import { useSession } from '../session.ts';
import { useLoad } from '../use-load.ts';

interface Side {
  readonly answer: Answer | null;
  readonly problem: string | null;
  readonly done: boolean;
}

/** A message of the user's with what each side answered. */
interface Round {
  readonly text: string;
  readonly sides: readonly Side[];
}

const EVERY = 5000;
const NOTHING: Side = { answer: null, problem: null, done: false };

export function PlaygroundPage({ models: wanted }: { readonly models: readonly string[] }) {
  const { may } = useSession();
  const { data, problem } = useLoad(
    'models',
    (signal) => readList<{ id: string }>('/v1/models', signal),
    EVERY,
  );
  const names = data?.map(({ id }) => id) ?? [];
  const [chosen, setChosen] = useState<readonly [string | null, string | null]>([
    wanted[0] ?? null,
    wanted[1] ?? null,
  ]);
  const [rounds, setRounds] = useState<readonly Round[]>([]);
  const [text, setText] = useState('');
  const [temperature, setTemperature] = useState(0);
  const [maxTokens, setMaxTokens] = useState(128);
  const [running, setRunning] = useState<AbortController | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  // The newest name that has versions answers at the left; the right side is empty until somebody wants it.
  const left =
    chosen[0] ?? names.find((name) => names.some((other) => other.startsWith(`${name}@`))) ?? names[0];
  const sides = [left, chosen[1]].filter(
    (name): name is string => name !== undefined && name !== null && name !== '',
  );

  const choose = (at: 0 | 1, name: string) => {
    setChosen(at === 0 ? [name, chosen[1]] : [left ?? null, name]);
    setRounds([]);
  };
  const send = async (event: Event) => {
    event.preventDefault();
    if (text.trim() === '' || running !== null || sides.length === 0) return;
    const controller = new AbortController();
    const before = rounds;
    const set = (at: number, side: Side) =>
      setRounds((all) => [...all.slice(0, -1), { ...all.at(-1)!, sides: all.at(-1)!.sides.with(at, side) }]);
    setRunning(controller);
    setRounds([...before, { text, sides: sides.map(() => NOTHING) }]);
    setText('');
    await Promise.all(
      sides.map(async (model, at) => {
        let answer: Answer | null = null;
        const onText = (now: Answer) => {
          answer = now;
          set(at, { answer, problem: null, done: false });
        };
        try {
          const settings = { temperature, maxTokens, keep: true };
          await chat(model, conversation(before, at, text), settings, onText, controller.signal);
          set(at, { answer, problem: null, done: true });
        } catch (error) {
          const told = controller.signal.aborted
            ? 'stopped'
            : error instanceof Error
              ? error.message
              : String(error);
          set(at, { answer, problem: told, done: false });
        }
      }),
    );
    setRunning(null);
    field.current?.focus();
  };

  return (
    <>
      <PageHeading title="Playground" />
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      <div class="filters">
        <ModelSelect label="Left" names={names} value={left ?? ''} onChange={(name) => choose(0, name)} />
        <ModelSelect
          label="Right"
          names={names}
          value={chosen[1] ?? ''}
          optional
          onChange={(name) => choose(1, name)}
        />
        <label class="inline">
          Temperature
          <input
            type="number"
            min={0}
            max={2}
            step={0.1}
            value={temperature}
            onInput={(event) => setTemperature(Number(event.currentTarget.value))}
          />
        </label>
        <label class="inline">
          Most tokens
          <input
            type="number"
            min={1}
            max={2048}
            value={maxTokens}
            onInput={(event) => setMaxTokens(Number(event.currentTarget.value))}
          />
        </label>
        <button type="button" class="quiet" disabled={rounds.length === 0} onClick={() => setRounds([])}>
          Begin anew
        </button>
      </div>
      <div class="chat" aria-live="polite" aria-busy={running !== null}>
        {rounds.map((round, at) => (
          <section key={at} aria-label={`message ${at + 1}`}>
            <div class="message">
              <Words text={round.text} />
            </div>
            <div class={`sides of-${round.sides.length}`}>
              {round.sides.map((side, place) => (
                <div key={place} class="card side">
                  <h2>
                    <bdi>{side.answer?.model ?? sides[place]}</bdi>
                  </h2>
                  {side.answer && <Words text={side.answer.text} />}
                  {side.problem !== null && <Notice kind="bad">{side.problem}</Notice>}
                  {!side.done && side.problem === null && <p class="note">answering …</p>}
                  {side.done && side.answer && may('feedback') && <AnswerFeedback answer={side.answer} />}
                </div>
              ))}
            </div>
            {may('feedback') && (
              <Comparison
                round={round}
                prompts={[0, 1].map((side) => conversation(rounds.slice(0, at), side, round.text))}
              />
            )}
          </section>
        ))}
      </div>
      <form class="ask" onSubmit={send}>
        <label>
          <span class="unseen">Message</span>
          <textarea
            ref={field}
            rows={2}
            placeholder="Ask something …"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void send(event);
            }}
          />
        </label>
        {running ? (
          <button type="button" onClick={() => running.abort()}>
            Stop
          </button>
        ) : (
          <button type="submit" class="primary" disabled={text.trim() === '' || sides.length === 0}>
            Send
          </button>
        )}
      </form>
    </>
  );
}

/** Only answers to one and the same conversation can be compared. */
function Comparison({
  round,
  prompts,
}: {
  readonly round: Round;
  readonly prompts: readonly (readonly Turn[])[];
}) {
  const [left, right] = round.sides;
  if (!left?.done || !right?.done || !left.answer || !right.answer) return null;
  if (left.answer.text === right.answer.text) return <p class="note">The two answers are the same.</p>;
  if (JSON.stringify(prompts[0]) !== JSON.stringify(prompts[1])) return null;
  return <PairFeedback prompt={prompts[0]!} left={left.answer.text} right={right.answer.text} />;
}

/** Each side has its own answers in its conversation. */
function conversation(rounds: readonly Round[], side: number, text: string): readonly Turn[] {
  const before = rounds.flatMap((round): Turn[] => [
    { role: 'user', content: round.text },
    { role: 'assistant', content: round.sides[side]?.answer?.text ?? '' },
  ]);
  return [...before, { role: 'user', content: text }];
}

interface ModelSelectProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly value: string;
  readonly optional?: boolean;
  readonly onChange: (name: string) => void;
}

function ModelSelect({ label, names, value, optional = false, onChange }: ModelSelectProps) {
  const all = value === '' || names.includes(value) ? names : [value, ...names];
  return (
    <label class="inline">
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {optional && <option value="">none</option>}
        {all.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
