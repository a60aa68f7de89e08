/**
 * LifeAlign: focalized preference optimization, replay, and consolidation of each stage. [arXiv:2509.17183]
 *
 * The paper's ablations keep replay and are configs of it: `consolidation: null` (FPO only),
 * `stages.preference.objective: {name: dpo}` (consolidation only), both of them (neither, which is `er`).
 */
import type { ConsolidationSettings } from '../memory/consolidate.ts';
import { consolidateAdapter, MemoryHistory } from '../memory/consolidate-adapter.ts';
import { asLora } from '../model/adapter.ts';
import { defineMethod, noSettings } from './method.ts';

/** The paper's text; its code defaults to lambda 0.1. [arXiv:2509.17183, sensitivity analysis] */
const paperConsolidation: ConsolidationSettings = { threshold: 0.9, lambda: 0.5 };

export const lifealign = defineMethod({
  name: 'lifealign',
  description: 'focalized preference optimization, replay, and short-to-long memory consolidation',
  defaults: { objective: { name: 'fpo' }, replay: 'on', consolidation: paperConsolidation },
  settings: noSettings,
  /** Consolidates every stage, and remembers what it kept of each. */
  begin(_, { initial, consolidation, remembered }) {
    if (!consolidation) return {};
    const history = new MemoryHistory();
    const { settings } = asLora(initial);
    for (const tensors of remembered.finished) history.append({ settings, tensors });
    return {
      state: () => ({ running: new Map(), finished: history.refined.map(({ tensors }) => tensors) }),
      endStage({ before, after }) {
        const result = consolidateAdapter(asLora(before), asLora(after), history, consolidation);
        history.append(result.refined);
        return { adapter: result.adapter, reports: result.reports };
      },
    };
  },
});
