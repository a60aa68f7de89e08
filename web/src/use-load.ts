/** Data of a page: loaded when it is shown, again when what it depends on changes, and every so often if it lives. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Refusal } from './api/client.ts';
import { useSession } from './session.ts';

export interface Loaded<T> {
  readonly data: T | null;
  readonly problem: string | null;
  readonly reload: () => void;
}

/**
 * @param name of what is loaded: another name, another load; `null` loads nothing
 * @param every milliseconds between two loads while the page is looked at; left out: one load
 */
export function useLoad<T>(
  name: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  every?: number,
): Loaded<T> {
  const [state, setState] = useState<{ name: string | null; data: T | null; failure: Refusal | null }>({
    ...{ name, data: null, failure: null },
  });
  const [count, setCount] = useState(0);
  const { refused } = useSession();
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    if (name === null) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const once = async (): Promise<void> => {
      try {
        const data = await latest.current(controller.signal);
        if (!controller.signal.aborted) setState({ name, data, failure: null });
      } catch (error) {
        if (controller.signal.aborted) return;
        const failure = asRefusal(error);
        if (failure.status === 401) refused();
        setState((before) => ({ name, data: before.name === name ? before.data : null, failure }));
      }
    };
    // A page that nobody looks at asks for nothing again.
    const again = () => {
      timer = setTimeout(() => (document.hidden ? again() : void run()), every);
    };
    const run = async () => {
      await once();
      if (every !== undefined && !controller.signal.aborted) again();
    };
    void run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [name, every, count, refused]);
  const reload = useCallback(() => setCount((before) => before + 1), []);
  const isCurrent = state.name === name;
  return {
    data: isCurrent ? state.data : null,
    problem: isCurrent ? (state.failure?.message ?? null) : null,
    reload,
  };
}

function asRefusal(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(0, String(error), null);
}
