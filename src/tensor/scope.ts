/**
 * What part of a model a node is made for, and in which pass: the names in profiles (engine/ort/profile/). They
 * decide nothing that is computed.
 */

/** `again`: computed in the backward pass for the second time, instead of having been kept. */
export type Pass = 'forward' | 'again' | 'backward';

export interface Scope {
  /** Of the model, such as `model.layers.3.self_attn.q_proj`; empty where nothing was said. */
  readonly part: string;
  readonly pass: Pass;
}

let current: Scope = { part: '', pass: 'forward' };

/** That of nodes made now. */
export function currentScope(): Scope {
  return current;
}

/** Nodes that `make` makes belong to `scope`, unless it says otherwise within. */
export function inScope<T>(scope: Scope, make: () => T): T {
  const outer = current;
  current = scope;
  try {
    return make();
  } finally {
    current = outer;
  }
}

/** The same in the pass at hand. */
export function inPart<T>(part: string, make: () => T): T {
  return inScope({ part, pass: current.pass }, make);
}
