/** The frame around every page: who is there, where they are, and a way to everything. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import type { CallerAnswer } from '../../src/service/keys/routes.ts';
import { key, Refusal, read } from './api/client.ts';
import { DataPage } from './pages/data.tsx';
import { LearnerPage } from './pages/learner.tsx';
import { Login } from './pages/login.tsx';
import { MemoryPage } from './pages/memory.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { PlaygroundPage } from './pages/playground.tsx';
import { ReviewPage } from './pages/review.tsx';
import { VersionPage } from './pages/version.tsx';
import { Notice } from './parts/notice.tsx';
import { linkTo, type Place, usePlace } from './router.ts';
import { type Role, SessionContext } from './session.ts';
import { applyTheme, currentTheme, THEMES } from './theme.ts';

const PAGES: readonly { readonly path: string; readonly name: string; readonly role: Role }[] = [
  { path: '', name: 'Overview', role: 'review' },
  { path: 'playground', name: 'Playground', role: 'chat' },
  { path: 'review', name: 'Review', role: 'review' },
  { path: 'learner', name: 'Learner', role: 'review' },
  { path: 'data', name: 'Data', role: 'review' },
];

export function App() {
  const [caller, setCaller] = useState<CallerAnswer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [needsKey, setNeedsKey] = useState(false);
  const place = usePlace();

  const enter = useCallback(async () => {
    setProblem(null);
    try {
      setCaller(await read<CallerAnswer>('/v1/caller'));
      setNeedsKey(false);
    } catch (error) {
      const held = key.get() !== null;
      setCaller(null);
      if (error instanceof Refusal && error.status === 401) {
        key.forget();
        setNeedsKey(true);
        if (held) setProblem(error.message);
      } else setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);
  useEffect(() => void enter(), [enter]);

  const leave = useCallback(() => {
    key.forget();
    setCaller(null);
    setNeedsKey(true);
  }, []);
  const session = useMemo(() => ({ caller, refused: leave }), [caller, leave]);

  return (
    <SessionContext.Provider value={session}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        To the content
      </button>
      <Header place={place} caller={caller} onLeave={key.get() === null ? null : leave} />
      <main id="main" tabindex={-1}>
        {needsKey && <Login problem={problem} onKey={enter} />}
        {!needsKey && problem !== null && (
          <Notice kind="bad">
            {problem}{' '}
            <button type="button" onClick={enter}>
              Try again
            </button>
          </Notice>
        )}
        {caller !== null && <Page place={place} caller={caller} />}
      </main>
    </SessionContext.Provider>
  );
}

interface PageProps {
  readonly place: Place;
  readonly caller: CallerAnswer;
}

function Page({ place, caller }: PageProps) {
  const [page = '', name, part, version] = place;
  const role: Role = PAGES.find(({ path }) => path === page)?.role ?? 'review';
  if (!caller.roles.includes(role)) {
    return <Notice kind="bad">{`This page needs a key with the role ${role}.`}</Notice>;
  }
  if (page === '') return <OverviewPage />;
  if (page === 'playground') return <PlaygroundPage models={place.slice(1)} />;
  if (page === 'review') return <ReviewPage />;
  if (page === 'learner') return <LearnerPage candidate={name ?? null} />;
  if (page === 'data') return <DataPage />;
  if (page === 'memory' && name !== undefined) {
    if (part === 'versions' && version !== undefined) {
      return <VersionPage key={`${name}@${version}`} memory={name} version={version} />;
    }
    return <MemoryPage key={name} name={name} />;
  }
  return <Notice kind="bad">There is no such page.</Notice>;
}

interface HeaderProps {
  readonly place: Place;
  readonly caller: CallerAnswer | null;
  readonly onLeave: (() => void) | null;
}

function Header({ place, caller, onLeave }: HeaderProps) {
  const [theme, setTheme] = useState(currentTheme());
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const here = place[0] === 'memory' ? '' : (place[0] ?? '');
  return (
    <header>
      <a class="brand" href={linkTo()}>
        LifeAlign <span>studio</span>
      </a>
      <nav aria-label="Pages">
        <ul>
          {PAGES.filter(({ role }) => caller?.roles.includes(role)).map(({ path, name }) => (
            <li key={path}>
              <a href={linkTo(path)} aria-current={path === here ? 'page' : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="tools">
        <button
          type="button"
          class="quiet"
          onClick={() => {
            applyTheme(next);
            setTheme(next);
          }}
        >
          Colours: {theme}
        </button>
        {caller !== null && onLeave !== null && (
          <button type="button" class="quiet" onClick={onLeave}>
            Leave
          </button>
        )}
      </div>
    </header>
  );
}
