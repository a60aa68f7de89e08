/** The sessions an engine keeps: one for each kind of graph, made when first needed. */
import type { SafetensorsEntry } from '../../model/weights/safetensors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { createSession, type OrtSession, type SessionOptions } from './session.ts';

/** A family of graphs that differ in layout only. */
export type GraphKind = string;

export class SessionPool {
  readonly #weights: ReadonlyMap<string, SafetensorsEntry>;
  readonly #sessions = new Map<string, { kind: GraphKind; session: Promise<OrtSession> }>();

  constructor(weights: ReadonlyMap<string, SafetensorsEntry>) {
    this.#weights = weights;
  }

  /**
   * The session of a kind's variant. `graph` is called when there is none yet; a session that could not
   * be made is forgotten, so that the error is told once and closing goes on.
   */
  get(
    kind: GraphKind,
    variant: string,
    graph: () => Readonly<Record<string, Tensor>>,
    options: SessionOptions,
  ): Promise<OrtSession> {
    const key = `${kind}|${variant}`;
    const known = this.#sessions.get(key);
    if (known) return known.session;
    const session = createSession(graph(), this.#weights, options);
    this.#sessions.set(key, { kind, session });
    session.catch(() => this.#sessions.delete(key));
    return session;
  }

  /**
   * When work of a new kind begins, the others' sessions are let go with the memory they hold: a stage
   * trains one objective. Kinds that take turns afterwards both stay.
   */
  async begin(kind: GraphKind): Promise<void> {
    const kinds = [...this.#sessions.values()].map((entry) => entry.kind);
    if (!kinds.includes(kind)) await this.release();
  }

  async release(): Promise<void> {
    const entries = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const { session } of entries) await session.then((made) => made.release());
  }
}
