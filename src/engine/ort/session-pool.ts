/**
 * The sessions an engine keeps: opened when first needed, lent to who runs one of their graphs.
 *
 * Every session maps the model's weights by itself and has memory of its own. Where those are large, graphs that
 * take turns are in one session, and what is over makes room for what begins.
 */
import type {
  EmittedGraph,
  Feeds,
  GraphRunner,
  OrtSession,
  RunSettings,
  SessionOpener,
  SessionOptions,
} from './open-session.ts';

/** A family of graphs that differ in layout only. */
export type GraphKind = string;

/** Names a graph and says how it is made. */
export interface GraphRequest {
  /** What the graph is for. */
  readonly purpose: 'score' | 'gradients' | 'generate';
  readonly kind: GraphKind;
  readonly variant: string;
  /** Called when no session has it yet, and not kept: it holds what whoever asks has at hand, an adapter and rows. */
  readonly graph: () => EmittedGraph;
}

export interface SessionRequest extends GraphRequest {
  /** Of the same purpose and kind, what else the same work is going to run: opened together. */
  readonly siblings?: readonly GraphRequest[];
  readonly options: SessionOptions;
  readonly shrink?: boolean;
}

export interface PoolOptions {
  /** Graphs share sessions, of which there are as few as possible: for large models. */
  readonly shared?: boolean;
  /** Milliseconds from any beginning. */
  readonly now?: () => number;
}

interface Entry {
  readonly graphs: Map<string, GraphRequest>;
  readonly session: Promise<OrtSession>;
  /** How many run it now. */
  uses: number;
  /** Let go as soon as nobody runs it. */
  doomed: boolean;
  /** When it was ready, and how long that had taken; milliseconds. */
  ready: number;
  opening: number;
}

/** A session that has been open for so many times as long as it took to open can be opened again. */
const WORTH = 20;

export class SessionPool {
  readonly #open: SessionOpener;
  readonly #shared: boolean;
  readonly #now: () => number;
  readonly #entries = new Set<Entry>();
  /** Graphs that ever had a session. */
  readonly #known = new Set<string>();
  /** Of the gradients that began last. */
  #kind: GraphKind | undefined;
  readonly #closing = new AbortController();
  /** Work under way with a session. */
  readonly #work = new Set<Promise<unknown>>();

  constructor(open: SessionOpener, { shared = false, now = () => performance.now() }: PoolOptions = {}) {
    this.#open = open;
    this.#shared = shared;
    this.#now = now;
  }

  /** Aborted when the pool closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Works with a graph, whose session stays until the work is done. One that could not be made is forgotten, so
   * that the error is told once and closing goes on.
   * @throws if the pool was closed
   */
  use<T>(request: SessionRequest, work: (runner: GraphRunner) => Promise<T>): Promise<T> {
    const done = this.#lend(request, work);
    this.#work.add(done);
    const forget = () => this.#work.delete(done);
    done.then(forget, forget);
    return done;
  }

  async #lend<T>(request: SessionRequest, work: (runner: GraphRunner) => Promise<T>): Promise<T> {
    this.closing.throwIfAborted();
    const entry = this.#entryOf(request);
    entry.uses++;
    try {
      const session = await entry.session;
      const settings: RunSettings = {
        graph: [...entry.graphs.keys()].indexOf(keyOf(request)),
        shrink: request.shrink ?? false,
      };
      return await work({ run: (feeds: Feeds) => session.run(feeds, settings) });
    } finally {
      entry.uses--;
      if (entry.doomed && entry.uses === 0) await release(entry);
    }
  }

  #entryOf(request: SessionRequest): Entry {
    const key = keyOf(request);
    for (const entry of this.#entries) if (entry.graphs.has(key)) return entry;
    const graphs = new Map<string, GraphRequest>();
    const left = this.#shared ? this.#makeRoom(request, graphs) : [];
    graphs.set(key, request);
    if (this.#shared) for (const one of request.siblings ?? []) graphs.set(keyOf(one), one);
    for (const one of graphs.keys()) this.#known.add(one);
    const entry: Entry = {
      graphs,
      session: Promise.all(left.map(release)).then(() => this.#openTimed(entry, request.options)),
      ...{ uses: 0, doomed: false, ready: 0, opening: 0 },
    };
    this.#entries.add(entry);
    entry.session.catch(() => this.#entries.delete(entry));
    return entry;
  }

  async #openTimed(entry: Entry, options: SessionOptions): Promise<OrtSession> {
    const start = this.#now();
    const graphs = Array.from(entry.graphs.values(), ({ graph }) => graph());
    [...entry.graphs].forEach(([key, request], at) => {
      entry.graphs.set(key, madeRequest(request, graphs[at]!));
    });
    const session = await this.#open(graphs, options);
    entry.ready = this.#now();
    entry.opening = entry.ready - start;
    return session;
  }

  /**
   * Takes out sessions that nobody runs, to be let go before another is opened for a request, and adds to `graphs`
   * those of their graphs that belong into it: what the request's kind has, and, if the request comes back for a
   * graph that had to leave, what it takes turns with.
   */
  #makeRoom(request: SessionRequest, graphs: Map<string, GraphRequest>): Entry[] {
    const left: Entry[] = [];
    for (const entry of this.#entries) {
      if (entry.uses > 0) continue;
      const takesTurns = this.#known.has(keyOf(request)) && this.#isYoung(entry);
      const isApart = [...entry.graphs.values()].some((one) => !canJoin(one, request));
      if (isApart && takesTurns) continue;
      this.#entries.delete(entry);
      left.push(entry);
      if (isApart) continue;
      for (const [key, one] of entry.graphs) {
        const isSibling = one.purpose === request.purpose && one.kind === request.kind;
        if (isSibling || takesTurns) graphs.set(key, one);
      }
    }
    return left;
  }

  /**
   * When gradients of another kind begin, those of others and what scores are let go with the memory they hold: a
   * stage trains one objective. A kind that was here before comes back for its turn: then what has not been open for
   * long stays, so that a stream of short stages spends little on opening the same again.
   */
  async begin(kind: GraphKind): Promise<void> {
    if (this.#shared || kind === this.#kind) return;
    this.#kind = kind;
    const ofKind = keyOf({ purpose: 'gradients', kind, variant: '' });
    const takesTurns = [...this.#known].some((key) => key.startsWith(ofKind));
    for (const entry of [...this.#entries]) {
      if (hasPurpose(entry, 'generate') || hasPurpose(entry, 'gradients', kind)) continue;
      if (takesTurns && this.#isYoung(entry)) continue;
      this.#entries.delete(entry);
      entry.doomed = true;
      if (entry.uses === 0) await release(entry);
    }
  }

  #isYoung({ ready, opening }: Entry): boolean {
    return this.#now() - ready < WORTH * opening;
  }

  /** No work begins any more; sessions are let go when what runs has ended. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the engine was closed'));
    await Promise.allSettled(this.#work);
    const entries = [...this.#entries];
    this.#entries.clear();
    for (const entry of entries) await release(entry);
  }
}

export function keyOf({ purpose, kind, variant }: Omit<GraphRequest, 'graph'>): string {
  return `${purpose}|${kind}|${variant}`;
}

/** For when the graph has to move to another session: with nothing of what it was made from. */
function madeRequest({ purpose, kind, variant }: GraphRequest, graph: EmittedGraph): GraphRequest {
  return { purpose, kind, variant, graph: () => graph };
}

/** Graphs that decode run for every token: they share a session with each other alone. */
function canJoin(one: GraphRequest, other: GraphRequest): boolean {
  return (one.purpose === 'generate') === (other.purpose === 'generate');
}

function hasPurpose({ graphs }: Entry, purpose: GraphRequest['purpose'], kind?: GraphKind): boolean {
  return [...graphs.values()].some(
    (one) => one.purpose === purpose && (kind === undefined || one.kind === kind),
  );
}

/** A session that could not be made has told so to who asked for it. */
async function release({ session }: Pick<Entry, 'session'>): Promise<void> {
  const made = await session.catch(() => null);
  await made?.release();
}
