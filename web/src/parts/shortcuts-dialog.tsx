/** What each key does. */
import { useEffect, useRef } from 'preact/hooks';

interface ShortcutsDialogProps {
  readonly shortcuts: Readonly<Record<string, string>>;
  readonly onClose: () => void;
}

export function ShortcutsDialog({ shortcuts, onClose }: ShortcutsDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="keys">
        {Object.entries(shortcuts).map(([name, what]) => (
          <div key={name}>
            <dt>
              <kbd>{name}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="buttons">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </p>
    </dialog>
  );
}
