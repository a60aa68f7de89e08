/**
 * The paper's own numbers [arXiv:2509.17183], beside which a bench shows its own. They are of models a thousand times
 * as large, other tasks and other scores: what can be compared is which method is ahead, not by how much.
 */
import type { Ablation } from './plan.ts';

interface PaperNumbers {
  readonly bwt: number | null;
  readonly last: number;
  readonly ap: number | null;
}

/** Qwen2.5-7B, order 1, mean of BLEU-4, ROUGE-L and the judge; by our methods' names. */
export const paperMethods: Readonly<Record<string, PaperNumbers>> = {
  seqft: { bwt: -13.36, last: 22.34, ap: 25.39 },
  l2p: { bwt: 1.85, last: 18.81, ap: 21.15 },
  olora: { bwt: -10.46, last: 23.5, ap: 33.98 },
  er: { bwt: -4.46, last: 32.22, ap: 35.63 },
  gem: { bwt: -11.9, last: 25.93, ap: 27.77 },
  ewc: { bwt: -8.75, last: 26.09, ap: 32.7 },
  cppo: { bwt: -8.4, last: 25.89, ap: 28.13 },
  lifealign: { bwt: 0.91, last: 37.67, ap: 36.43 },
  stl: { bwt: null, last: 36.94, ap: null },
  mtl: { bwt: null, last: 38, ap: null },
};

export const paperAblation: Readonly<
  Record<Ablation, { readonly bleu: PaperNumbers; readonly judge: PaperNumbers }>
> = {
  neither: { bleu: { bwt: -7.67, last: 21.25, ap: 28.95 }, judge: { bwt: -7.02, last: 49.11, ap: 51.81 } },
  'SLMC only': {
    bleu: { bwt: -1.39, last: 27.12, ap: 29.97 },
    judge: { bwt: -0.01, last: 55.63, ap: 52.28 },
  },
  'FPO only': { bleu: { bwt: -3.68, last: 25.4, ap: 30.05 }, judge: { bwt: -4.47, last: 51.83, ap: 52.09 } },
  both: { bleu: { bwt: 0.02, last: 29.14, ap: 30.53 }, judge: { bwt: 1.31, last: 57.42, ap: 53.91 } },
};

/** Where the paper found LifeAlign best, falling off on both sides. */
export const paperBest: Readonly<Record<string, number>> = {
  'consolidation.lambda': 0.5,
  'consolidation.threshold': 0.9,
};

export const methodTitles: Readonly<Record<string, string>> = {
  seqft: 'SeqFT',
  l2p: 'L2P',
  olora: 'O-LoRA',
  er: 'ER',
  gem: 'GEM',
  ewc: 'EWC',
  cppo: 'CPPO',
  lifealign: 'LifeAlign',
  stl: 'STL',
  mtl: 'MTL',
};
