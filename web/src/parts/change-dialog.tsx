/** Reverting and dropping: the effect first, told by a dry run, then the question. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { decimal } from '../../../src/eval/number-text.ts';
import type { Effect } from '../../../src/service/memories/schema.ts';
import { post } from '../api/client.ts';
import { Facts } from './facts.tsx';
import { Notice } from './notice.tsx';
import { ScoresTable } from './tables.tsx';

export type Change =
  | { readonly kind: 'drop'; readonly memory: string; readonly task: string }
  | { readonly kind: 'revert'; readonly memory: string; readonly version: number };

interface ChangeDialogProps {
  readonly change: Change;
  readonly onClose: () => void;
  /** Takes a line that says what was done. */
  readonly onDone: (text: string) => void;
}

export function ChangeDialog({ change, onClose, onDone }: ChangeDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [effect, setEffect] = useState<Effect | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState<'looking' | 'measuring' | 'doing' | null>(null);
  const [note, setNote] = useState('');
  const name = change.kind === 'drop' ? `Drop ${change.task}` : `Revert to version ${change.version}`;
  const address = `/v1/memories/${encodeURIComponent(change.memory)}/${change.kind}`;
  const what = change.kind === 'drop' ? { task: change.task } : { version: change.version };

  const send = async (step: 'looking' | 'measuring' | 'doing') => {
    setBusy(step);
    setProblem(null);
    const measure = step === 'measuring' || (step === 'doing' && effect?.measured === true);
    const more = change.kind === 'drop' ? { measure } : {};
    const rest = step === 'doing' ? { head: effect?.head, note } : { dry_run: true };
    try {
      const told = await post<Effect>(address, { ...what, ...more, ...rest });
      if (step === 'doing') onDone(`The head is version ${told.to}; it was version ${told.from}.`);
      else setEffect(told);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(null);
  };
  // Once, when it opens.
  useEffect(() => {
    dialog.current?.showModal();
    void send('looking');
  }, []);

  return (
    <dialog ref={dialog} onClose={onClose} aria-label={name}>
      <h2>
        <bdi>{name}</bdi>
      </h2>
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {busy !== null && (
        <Notice kind="plain">
          {busy === 'measuring' ? "Scoring every task's report rows with and without it …" : 'One moment …'}
        </Notice>
      )}
      {effect && <EffectView effect={effect} change={change} />}
      {effect && (
        <label>
          Why (kept with the version)
          <input
            type="text"
            value={note}
            maxLength={1000}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
        </label>
      )}
      <p class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
        {change.kind === 'drop' && effect && !effect.measured && (
          <button type="button" disabled={busy !== null} onClick={() => send('measuring')}>
            Measure the effect
          </button>
        )}
        <button
          type="button"
          class="danger"
          disabled={effect === null || busy !== null}
          onClick={() => send('doing')}
        >
          {name}
        </button>
      </p>
    </dialog>
  );
}

function EffectView({ effect, change }: { readonly effect: Effect; readonly change: Change }) {
  const { from, to, tasks_gone, tasks_back, rows_withdrawn, trained_on_top, relative_change, measured } =
    effect;
  const list = (tasks: readonly string[]) => (tasks.length === 0 ? 'none' : tasks.join(', '));
  const unmeasured = change.kind === 'drop' && !measured;
  return (
    <>
      <Facts
        facts={[
          [
            'head',
            to === null ? `version ${from}, and then a new one` : `version ${from}, and then version ${to}`,
          ],
          ['tasks gone', <bdi key="gone">{list(tasks_gone)}</bdi>],
          ['tasks back', <bdi key="back">{list(tasks_back)}</bdi>],
          ['rows removed', rows_withdrawn],
          ["adapter's change", `${decimal(relative_change, 2)} % of its norm`],
        ]}
      />
      {trained_on_top.length > 0 && (
        <Notice kind="plain">
          No certified unlearning: {trained_on_top.join(', ')} learned on top of it, and what they took over
          stays.
        </Notice>
      )}
      <ScoresTable
        caption={`Preference accuracy, %${measured ? ', measured now' : unmeasured ? ', as recorded; the effect is not measured' : ', as recorded'}`}
        before={effect.before}
        after={effect.after}
        task={change.kind === 'drop' ? change.task : null}
      />
    </>
  );
}
