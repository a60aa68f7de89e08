/** The sessions an engine keeps: one for each kind of graph, made when first needed, lent to who runs it. */
import type { EmittedGraph, OrtSession, SessionOpener, SessionOptions } from './open-session.ts';

/** A family of graphs that differ in layout only. */
export type GraphKind = string;

/** Names a session and says how it is made. */
export interface SessionRequest {
  /** What the graph is for. */
  readonly purpose: 'score' | 'gradients' | 'generate';
  readonly kind: GraphKind;
  readonly variant: string;
  /** Called when there is none yet. */
  readonly graph: () => EmittedGraph;
  readonly options: SessionOptions;
}

interface Entry {
  readonly purpose: SessionRequest['purpose'];
  readonly kind: GraphKind;
  readonly session: Promise<OrtSession>;
  /** How many run it now. */
  uses: number;
  /** Let go as soon as nobody runs it. */
  doomed: boolean;
}

export class SessionPool {
  readonly #open: SessionOpener;
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new AbortController();
  /** Work under way with a session. */
  readonly #work = new Set<Promise<unknown>>();

  constructor(open: SessionOpener) {
    this.#open = open;
  }

  /** Aborted when the pool closes. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /**
   * Works with a session, which stays until the work is done. One that could not be made is forgotten, so that
   * the error is told once and closing goes on.
   * @throws if the pool was closed
   */
  use<T>(request: SessionRequest, work: (session: OrtSession) => Promise<T>): Promise<T> {
    const done = this.#lend(request, work);
    this.#work.add(done);
    const forget = () => this.#work.delete(done);
    done.then(forget, forget);
    return done;
  }

  async #lend<T>(request: SessionRequest, work: (session: OrtSession) => Promise<T>): Promise<T> {
    this.closing.throwIfAborted();
    const entry = this.#entryOf(request);
    entry.uses++;
    try {
      return await work(await entry.session);
    } finally {
      entry.uses--;
      if (entry.doomed && entry.uses === 0) await release(entry);
    }
  }

  #entryOf({ purpose, kind, variant, graph, options }: SessionRequest): Entry {
    const key = `${purpose}|${kind}|${variant}`;
    const known = this.#entries.get(key);
    if (known) return known;
    const session = this.#open(graph(), options);
    const entry = { purpose, kind, session, uses: 0, doomed: false };
    this.#entries.set(key, entry);
    session.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  /**
   * When gradients of a new kind begin, those of others and what scores are let go with the memory they hold: a
   * stage trains one objective. Kinds that take turns afterwards both stay.
   */
  async begin(kind: GraphKind): Promise<void> {
    const entries = [...this.#entries].filter(([, { purpose }]) => purpose !== 'generate');
    if (entries.some(([, entry]) => entry.purpose === 'gradients' && entry.kind === kind)) return;
    for (const [key, entry] of entries) {
      this.#entries.delete(key);
      entry.doomed = true;
      if (entry.uses === 0) await release(entry);
    }
  }

  /** No work begins any more; sessions are let go when what runs has ended. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the engine was closed'));
    await Promise.allSettled(this.#work);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) await release(entry);
  }
}

/** A session that could not be made has told so to who asked for it. */
async function release({ session }: Entry): Promise<void> {
  const made = await session.catch(() => null);
  await made?.release();
}
