/** Thumbs on an answer, and which of two was better: what feeds the review queue. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer, Turn } from '../api/chat.ts';
import { post } from '../api/client.ts';
import { Notice } from './notice.tsx';

interface Sending {
  readonly told: { readonly text: string; readonly bad: boolean } | null;
  /** Whether it was taken. */
  readonly send: (body: object, thanks: string) => Promise<boolean>;
}

const QUEUED = 'it waits for review';

function useFeedback(): Sending {
  const [told, setTold] = useState<Sending['told']>(null);
  const send = async (body: object, thanks: string) => {
    try {
      await post('/v1/feedback', body);
      setTold({ text: `${thanks}; ${QUEUED}.`, bad: false });
      return true;
    } catch (error) {
      setTold({ text: error instanceof Error ? error.message : String(error), bad: true });
      return false;
    }
  };
  return { told, send };
}

export function AnswerFeedback({ answer: { id, text, model } }: { readonly answer: Answer }) {
  const { told, send } = useFeedback();
  const [writing, setWriting] = useState(false);
  const [edited, setEdited] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (writing) field.current?.focus();
  }, [writing]);
  const down = async (event: Event) => {
    event.preventDefault();
    const better = edited.trim() !== '' && edited !== text ? { edited } : {};
    if (await send({ completion_id: id, rating: 'down', ...better }, 'Thank you')) setWriting(false);
  };
  if (told && !told.bad) return <Notice kind="good">{told.text}</Notice>;
  return (
    <div class="thumbs">
      {told && <Notice kind="bad">{told.text}</Notice>}
      <p class="buttons">
        <button
          type="button"
          aria-label={`Good answer of ${model}`}
          onClick={() => void send({ completion_id: id, rating: 'up' }, 'Thank you')}
        >
          <Thumb />
        </button>
        <button
          type="button"
          aria-label={`Bad answer of ${model}`}
          aria-expanded={writing}
          onClick={() => setWriting(!writing)}
        >
          <Thumb isDown />
        </button>
      </p>
      {writing && (
        <form onSubmit={down} class="edit">
          <label>
            How should it have been answered?
            <textarea
              ref={field}
              rows={4}
              value={edited}
              onInput={(event) => setEdited(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Escape') setWriting(false);
                else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void down(event);
              }}
            />
          </label>
          <p class="buttons">
            <button type="submit" class="primary">
              Send
            </button>
            <button type="button" onClick={() => setWriting(false)}>
              Cancel
            </button>
          </p>
        </form>
      )}
    </div>
  );
}

/** Drawn here: not every system has a font with thumbs. */
function Thumb({ isDown = false }: { readonly isDown?: boolean }) {
  return (
    <svg class={`thumb${isDown ? ' turned' : ''}`} viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 9h3v8H3zM7 9l4-7c1.6 0 2.3 1.2 2 2.6L12.4 8H16c1.3 0 2 1 1.7 2.2l-1.4 5.3c-.3 1-1 1.5-2 1.5H7z" />
    </svg>
  );
}

interface PairFeedbackProps {
  readonly prompt: readonly Turn[];
  readonly left: string;
  readonly right: string;
}

export function PairFeedback({ prompt, left, right }: PairFeedbackProps) {
  const { told, send } = useFeedback();
  if (told && !told.bad) return <Notice kind="good">{told.text}</Notice>;
  const prefer = (chosen: string, rejected: string) => void send({ prompt, chosen, rejected }, 'Thank you');
  return (
    <div>
      {told && <Notice kind="bad">{told.text}</Notice>}
      <p class="buttons">
        <button type="button" onClick={() => prefer(left, right)}>
          Left is better
        </button>
        <button type="button" onClick={() => prefer(right, left)}>
          Right is better
        </button>
      </p>
    </div>
  );
}
