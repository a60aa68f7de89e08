/** A piece of feedback with all that a decision needs, and the form that writes a better answer. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ReviewItem } from '../../../src/service/feedback/item.ts';
import { When } from './when.tsx';
import { Conversation, Words } from './words.tsx';

export function ReviewItemView({ item }: { readonly item: ReviewItem }) {
  const { kind, prompt, answer, chosen, rejected, rating, comment, tags } = item;
  return (
    <>
      <p class="chips">
        <span class="chip">{kind}</span>
        {rating && <span class={`badge ${rating === 'up' ? 'good' : 'bad'}`}>thumbs {rating}</span>}
        {item.status !== 'pending' && <span class="badge">{item.status}</span>}
        {item.same > 1 && <span class="badge">{item.same} say the same</span>}
        {item.contradicting > 0 && <span class="badge bad">{item.contradicting} contradict it</span>}
        {tags.map((tag) => (
          <bdi key={tag} class="chip">
            {tag}
          </bdi>
        ))}
      </p>
      {prompt && <Conversation messages={prompt} />}
      {answer !== null && <Part name="The answer" text={answer} />}
      {chosen !== null && rejected !== null && (
        <div class="pair">
          <Part name="Better" text={chosen} tone="good" />
          <Part name="Worse" text={rejected} tone="bad" />
        </div>
      )}
      {comment !== null && <Part name="Comment" text={comment} />}
      <p class="note">
        <When time={item.created_at} />, by {item.source}
        {item.model && (
          <>
            , about <bdi>{item.model}</bdi>
          </>
        )}
        {item.person && (
          <>
            , from <bdi>{item.person}</bdi>
          </>
        )}
        {item.decided_by && `; decided by ${item.decided_by}`}
      </p>
    </>
  );
}

interface PartProps {
  readonly name: string;
  readonly text: string;
  readonly tone?: 'good' | 'bad';
}

function Part({ name, text, tone }: PartProps) {
  return (
    <section class={`part ${tone ?? ''}`}>
      <h2>{name}</h2>
      <Words text={text} />
    </section>
  );
}

interface EditFormProps {
  readonly item: ReviewItem;
  readonly onCancel: () => void;
  readonly onSave: (chosen: string) => void;
}

export function EditForm({ item, onCancel, onSave }: EditFormProps) {
  const worse = item.rejected ?? item.answer ?? '';
  const [text, setText] = useState(item.chosen ?? worse);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const isNew = text.trim() !== '' && text !== worse;
  const save = (event: Event) => {
    event.preventDefault();
    if (isNew) onSave(text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onCancel();
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save(event);
  };
  return (
    <form onSubmit={save} class="edit">
      <label>
        The answer as it should have been
        <textarea
          ref={field}
          rows={5}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </label>
      <p class="buttons">
        <button type="submit" class="primary" disabled={!isNew}>
          Accept this <kbd>Ctrl Enter</kbd>
        </button>
        <button type="button" onClick={onCancel}>
          Cancel <kbd>Esc</kbd>
        </button>
      </p>
    </form>
  );
}
