/** Keys that do something wherever the keyboard is, but for fields that are being written in. */
import { useEffect, useRef } from 'preact/hooks';

/** @param shortcuts `null` while they would be in the way */
export function useShortcuts(shortcuts: Readonly<Record<string, () => unknown>> | null): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { target } = event;
      const isWriting = target instanceof HTMLElement && target.matches('input, textarea, select');
      if (isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      const shortcut = latest.current?.[event.key];
      if (!shortcut) return;
      event.preventDefault();
      shortcut();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}
