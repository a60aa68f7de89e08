/** The review queue: one piece of feedback after the other, decided by keyboard. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ReviewItem } from '../../../src/service/feedback/item.ts';
import { post, readList } from '../api/client.ts';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { EditForm, ReviewItemView } from '../parts/review-item.tsx';
import { ShortcutsDialog } from '../parts/shortcuts-dialog.tsx';
import { When } from '../parts/when.tsx';
import { useLoad } from '../use-load.ts';
import { useShortcuts } from '../use-shortcuts.ts';

const STATUSES = ['pending', 'accepted', 'rejected'] as const;
const KINDS = ['all', 'edit', 'pair', 'rating', 'comment'] as const;
const PAGE = 50;

const SHORTCUTS = {
  j: 'the next item',
  k: 'the item before',
  a: 'accept',
  r: 'reject',
  e: 'edit, and accept what you wrote',
  '?': 'these keys',
};

export function ReviewPage() {
  const [status, setStatus] = useState<(typeof STATUSES)[number]>('pending');
  const [kind, setKind] = useState<(typeof KINDS)[number]>('all');
  const [at, setAt] = useState(0);
  const [editing, setEditing] = useState(false);
  const [helping, setHelping] = useState(false);
  const [told, setTold] = useState<{ readonly text: string; readonly bad: boolean } | null>(null);
  const busy = useRef(false);
  const list = useRef<HTMLOListElement>(null);
  const query = `/v1/feedback?status=${status}&limit=${PAGE}${kind === 'all' ? '' : `&kind=${kind}`}`;
  const { data, problem, reload } = useLoad(query, (signal) => readList<ReviewItem>(query, signal));
  /** Decided here, and not yet gone from what was loaded: the next key is for the next item. */
  const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => setDecided(new Set()), [data]);
  const items = (data ?? []).filter(({ id }) => !decided.has(id));
  const place = Math.min(at, Math.max(items.length - 1, 0));
  const item = items[place] ?? null;

  const move = (by: number) => {
    setEditing(false);
    setAt(Math.min(Math.max(place + by, 0), Math.max(items.length - 1, 0)));
  };
  // Whenever another item is shown.
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [item?.id]);

  const decide = async (action: 'accept' | 'reject' | 'fix', body: object = {}) => {
    if (item === null || busy.current) return;
    busy.current = true;
    try {
      await post(`/v1/feedback/${encodeURIComponent(item.id)}/${action}`, body);
      const done = { accept: 'Accepted', reject: 'Rejected', fix: 'Accepted as edited' }[action];
      setTold({
        text: `${done}${item.same > 1 ? `, with ${item.same - 1} that say the same` : ''}.`,
        bad: false,
      });
      setEditing(false);
      // The next one moves up to where this one was.
      setAt(Math.min(place, Math.max(items.length - 2, 0)));
      if (status !== (action === 'reject' ? 'rejected' : 'accepted')) {
        setDecided((before) => new Set([...before, item.id]));
      }
      reload();
    } catch (error) {
      setTold({ text: error instanceof Error ? error.message : String(error), bad: true });
    }
    busy.current = false;
  };

  useShortcuts(
    helping || editing
      ? null
      : {
          j: () => move(1),
          k: () => move(-1),
          a: () => void decide('accept'),
          r: () => void decide('reject'),
          e: () => item !== null && canEdit(item) && setEditing(true),
          '?': () => setHelping(true),
        },
  );

  return (
    <>
      <PageHeading title="Review">
        <p class="note">
          What is accepted is learned from. Keys: <kbd>j</kbd> <kbd>k</kbd> to move, <kbd>a</kbd> accept,{' '}
          <kbd>r</kbd> reject, <kbd>e</kbd> edit, <kbd>?</kbd> help.
        </p>
      </PageHeading>
      <div class="filters">
        <label class="inline">
          Status
          <select
            value={status}
            onChange={(event) => {
              setStatus(event.currentTarget.value as typeof status);
              setAt(0);
            }}
          >
            {STATUSES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="inline">
          Kind
          <select
            value={kind}
            onChange={(event) => {
              setKind(event.currentTarget.value as typeof kind);
              setAt(0);
            }}
          >
            {KINDS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <button type="button" onClick={reload}>
          Look again
        </button>
        <button type="button" class="quiet" onClick={() => setHelping(true)}>
          Keys
        </button>
      </div>
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {told && <Notice kind={told.bad ? 'bad' : 'good'}>{told.text}</Notice>}
      {data !== null && items.length === 0 && <p class="card note">Nothing is {status} here.</p>}
      {item && (
        <div class="queue">
          <nav aria-label="Queue">
            <ol ref={list}>
              {items.map((one, index) => (
                <li key={one.id}>
                  <button
                    type="button"
                    aria-current={index === place ? 'true' : undefined}
                    onClick={() => {
                      setEditing(false);
                      setAt(index);
                    }}
                  >
                    <span class="chip">{one.kind}</span> <bdi>{beginning(one)}</bdi>
                    <span class="note">
                      <When time={one.created_at} />
                    </span>
                  </button>
                </li>
              ))}
            </ol>
          </nav>
          <article class="card" aria-label={`Item ${place + 1} of ${items.length}`}>
            <ReviewItemView item={item} />
            {editing ? (
              <EditForm
                key={item.id}
                item={item}
                onCancel={() => setEditing(false)}
                onSave={(chosen) => void decide('fix', { chosen })}
              />
            ) : (
              <p class="buttons decide">
                <button type="button" class="primary" onClick={() => void decide('accept')}>
                  Accept <kbd>a</kbd>
                </button>
                <button type="button" onClick={() => void decide('reject')}>
                  Reject <kbd>r</kbd>
                </button>
                {canEdit(item) && (
                  <button type="button" onClick={() => setEditing(true)}>
                    Edit <kbd>e</kbd>
                  </button>
                )}
                <span class="note">
                  {place + 1} of {items.length}
                  {items.length === PAGE ? ' and more' : ''}
                </span>
              </p>
            )}
          </article>
        </div>
      )}
      {helping && <ShortcutsDialog shortcuts={SHORTCUTS} onClose={() => setHelping(false)} />}
    </>
  );
}

/** There has to be an answer that another one can be better than. */
function canEdit({ answer, rejected }: ReviewItem): boolean {
  return answer !== null || rejected !== null;
}

const LONGEST = 60;

function beginning({ chosen, answer, comment }: ReviewItem): string {
  const text = chosen ?? answer ?? comment ?? '';
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
