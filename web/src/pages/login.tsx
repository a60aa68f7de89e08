/** Asks for a key, where the service wants one. */
import { useState } from 'preact/hooks';
import { key } from '../api/client.ts';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';

interface LoginProps {
  readonly problem: string | null;
  readonly onKey: () => Promise<void>;
}

export function Login({ problem, onKey }: LoginProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const enter = async (event: Event) => {
    event.preventDefault();
    if (text.trim() === '') return;
    setBusy(true);
    key.set(text.trim());
    await onKey();
    setBusy(false);
    setText('');
  };
  return (
    <form class="card login" onSubmit={enter}>
      <PageHeading title="Enter" />
      <p>
        This service wants an API key; <code>lifealign keys add</code> makes one. It is kept by this tab
        alone, until the tab is closed.
      </p>
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      <label>
        API key
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary" disabled={busy}>
        Enter
      </button>
    </form>
  );
}
