/** LifeAlign: focalized preference optimization, replay, and consolidation of each stage. [arXiv:2509.17183] */
import { consolidateAdapter } from '../memory/consolidate-adapter.ts';
import { type Method, paperConsolidation, paperReplay } from './method.ts';

export const lifealign: Method = {
  name: 'lifealign',
  description: 'focalized preference optimization, replay, and short-to-long memory consolidation',
  defaults: { objective: { name: 'fpo' }, replay: paperReplay, consolidation: paperConsolidation },
  hooks: {
    endStage({ before, after, history, consolidation }) {
      if (!consolidation) return { adapter: after };
      const { adapter, refined, reports } = consolidateAdapter(before, after, history, consolidation);
      return { adapter, memory: refined, reports };
    },
  },
};
