/** How far one adapter is from another, for people who compare versions. */
import type { LoraAdapter } from './adapter.ts';

/** ‖to − from‖ / ‖from‖ over all matrices; of nothing, nothing. */
export function relativeChange(from: LoraAdapter, to: LoraAdapter): number {
  let [change, norm] = [0, 0];
  for (const [name, { data }] of from.tensors) {
    const now = to.tensors.get(name)!.data;
    for (const [at, value] of data.entries()) {
      change += (now[at]! - value) ** 2;
      norm += value ** 2;
    }
  }
  return norm === 0 ? 0 : Math.sqrt(change / norm);
}
