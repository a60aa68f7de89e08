/** What the paper claims, held against a bench's results: each claim verified, not verified, or not run. */
import type { TestedEstimate } from '../../eval/comparison/index.ts';
import { shown, tested } from '../../eval/number-text.ts';
import { methodTitles, paperAblation, paperBest, paperMethods } from '../paper.ts';
import { ablations } from '../plan.ts';
import type { BenchResults, MethodLine } from './gather.ts';
import type { Line, Statistics } from './lines.ts';
import type { TableScore } from './run.ts';

export const claimStates = ['verified', 'not verified', 'not run'] as const;
export type ClaimState = (typeof claimStates)[number];

export interface Finding {
  readonly state: ClaimState;
  /** The numbers behind it, for people. */
  readonly detail: string;
}

export interface Claim {
  readonly id: string;
  readonly claim: string;
  readonly paper: string;
}

export interface CheckedClaim extends Claim {
  readonly findings: Readonly<Partial<Record<TableScore, Finding>>>;
}

type Statistic = keyof Statistics<unknown>;
type Check = (results: BenchResults, score: TableScore) => Finding;

const statisticTitles: Readonly<Record<Statistic, string>> = { bwt: 'BWT', last: 'Last', ap: 'AP' };

/** The paper's rivals; STL and MTL are references. */
const rivals = ['seqft', 'er', 'ewc', 'gem', 'olora', 'l2p', 'cppo'];

const notRun: Finding = { state: 'not run', detail: '' };

/**
 * Verified is what lies beyond its 95 % interval in the direction that the paper claims. What lies beyond it in the
 * other is not verified, and neither is what lies within: the detail says which.
 */
export function checkClaims(
  results: BenchResults,
  scores: readonly TableScore[] = results.scores,
): CheckedClaim[] {
  return claims.map(({ check, ...claim }) => ({
    ...claim,
    findings: Object.fromEntries(scores.map((score) => [score, check(results, score)])),
  }));
}

/** Without any results. */
export function allClaims(): Claim[] {
  return claims.map(({ check: _, ...claim }) => claim);
}

const claims: readonly (Claim & { readonly check: Check })[] = [
  ...(['last', 'ap', 'bwt'] as const).flatMap((statistic) =>
    rivals.map((rival) => rivalClaim(rival, statistic)),
  ),
  {
    id: 'no-forgetting',
    claim: 'LifeAlign does not forget: its BWT is above 0',
    paper: String(paperMethods['lifealign']!.bwt),
    check: (results, score) => {
      const line = mainLine(results, 'lifealign');
      const bwt = line?.scores.get(score)?.own.bwt;
      return line && bwt ? whole(line, above({ ...bwt, pValue: null })) : notRun;
    },
  },
  {
    id: 'above-stl',
    claim: 'LifeAlign’s Last is above single-task learning’s (STL)',
    paper: paperPair('stl', 'last'),
    check: (results, score) => ahead(mainLine(results, 'stl'), 'last', score),
  },
  {
    id: 'below-mtl',
    claim: 'Multi-task learning (MTL) stays the upper reference: its Last is above LifeAlign’s',
    paper: `${paperMethods['mtl']!.last} against ${paperMethods['lifealign']!.last}`,
    check: (results, score) => {
      const line = mainLine(results, 'mtl');
      const difference = line?.scores.get(score)?.ahead?.last;
      return line && difference ? whole(line, above(negated(difference))) : notRun;
    },
  },
  ...ablations
    .filter((ablation) => ablation !== 'both')
    .flatMap((ablation) =>
      (['last', 'bwt'] as const).map((statistic) => ({
        id: `both-above-${ablation.replace(' ', '-').toLowerCase()}-${statistic}`,
        claim: `LifeAlign’s ${statisticTitles[statistic]} is above that with ${ablation === 'neither' ? 'neither part' : ablation}`,
        paper: (['bleu', 'judge'] as const)
          .map(
            (of) => `${paperAblation.both[of][statistic]} against ${paperAblation[ablation][of][statistic]}`,
          )
          .join(' (BLEU-4), ')
          .concat(' (judge)'),
        check: (results: BenchResults, score: TableScore) =>
          ahead(
            results.ablations.find((line) => line.ablation === ablation),
            statistic,
            score,
          ),
      })),
    ),
  ...Object.entries(paperBest).map(([key, best]) => ({
    id: `best-${key}`,
    claim: `Last is best at ${key} ${best}, falling off on both sides`,
    paper: 'figure 3',
    check: (results: BenchResults, score: TableScore) => sweepFinding(results, key, best, score),
  })),
  ...['order 2', 'order 3'].map((order, at) => ({
    id: order.replace(' ', '-'),
    claim: `In ${order}, too, LifeAlign’s Last is above every other method’s`,
    paper: 'figure 4',
    check: (results: BenchResults, score: TableScore) =>
      everyRival(results.orders[at + 1]?.lines ?? [], score),
  })),
  {
    id: 'bases',
    claim: 'Over other bases, too, LifeAlign’s Last is above every other method’s',
    paper: 'table 3, two more bases',
    check: (results, score) =>
      everyRival(
        results.bases.slice(1).flatMap(({ lines }) => lines),
        score,
      ),
  },
];

function rivalClaim(rival: string, statistic: Statistic): Claim & { readonly check: Check } {
  const [first, second] = [methodTitles['lifealign']!, methodTitles[rival]!];
  // L2P alone forgets less in the paper, having learned little.
  const isBehind = paperMethods['lifealign']![statistic]! < paperMethods[rival]![statistic]!;
  const [higher, lower] = isBehind ? [second, first] : [first, second];
  return {
    id: `${statistic}-${rival}`,
    claim: `${higher}’s ${statisticTitles[statistic]} is above ${lower}’s`,
    paper: isBehind
      ? `${paperMethods[rival]![statistic]} against ${paperMethods['lifealign']![statistic]}`
      : paperPair(rival, statistic),
    check: (results, score) => {
      const line = mainLine(results, rival);
      const difference = line?.scores.get(score)?.ahead?.[statistic];
      if (!line || !difference) return notRun;
      return whole(line, above(isBehind ? negated(difference) : difference));
    },
  };
}

function paperPair(other: string, statistic: Statistic): string {
  return `${paperMethods['lifealign']![statistic]} against ${paperMethods[other]![statistic]}`;
}

/** The method as it is: a variant with settings of its own is another. */
function mainLine({ orders: [first] }: BenchResults, name: string): MethodLine | undefined {
  return plainLine(first!.lines, name);
}

function plainLine(lines: readonly MethodLine[], name: string): MethodLine | undefined {
  return lines.find(({ method: { method, set } }) => method.name === name && Object.keys(set).length === 0);
}

function ahead(line: Line | undefined, statistic: Statistic, score: TableScore): Finding {
  const difference = line?.scores.get(score)?.ahead?.[statistic];
  return line && difference ? whole(line, above(difference)) : notRun;
}

/** Some of the seeds decide nothing: what they say is told, and the claim is still to be run. */
function whole({ runs, planned, diverged }: Line, finding: Finding): Finding {
  if (runs + diverged >= planned) return finding;
  return { state: 'not run', detail: `${runs} of ${planned} seeds so far: ${finding.detail}` };
}

/** Whether a difference is above 0 beyond its interval. */
function above(difference: TestedEstimate): Finding {
  const { estimate, low, high, pValue } = difference;
  if (estimate === null) return notRun;
  const text = pValue === null ? shown(difference) : tested(difference);
  if (low === null || high === null || Number.isNaN(low))
    return { state: 'not verified', detail: `${text}, no interval` };
  if (low > 0) return { state: 'verified', detail: text };
  return { state: 'not verified', detail: `${high < 0 ? 'the opposite' : 'level'}: ${text}` };
}

function negated({ estimate, low, high, pValue }: TestedEstimate): TestedEstimate {
  const minus = (value: number | null) => (value === null ? null : -value);
  return { estimate: minus(estimate), low: minus(high), high: minus(low), pValue };
}

function everyRival(lines: readonly MethodLine[], score: TableScore): Finding {
  const labels = [...new Set(lines.map(({ place: { base, order } }) => JSON.stringify([base, order])))];
  const groups = labels.map((label) =>
    lines.filter(({ place: { base, order } }) => JSON.stringify([base, order]) === label),
  );
  const found = groups.flatMap((group) =>
    rivals.map((rival) => ({ rival, finding: ahead(plainLine(group, rival), 'last', score) })),
  );
  if (found.length === 0 || found.every(({ finding }) => finding.state === 'not run')) return notRun;
  const namesOf = (state: ClaimState) =>
    found.filter(({ finding }) => finding.state === state).map(({ rival }) => methodTitles[rival]!);
  const [verified, not, missing] = claimStates.map(namesOf) as [string[], string[], string[]];
  const said = [
    verified.length > 0 ? `above ${verified.join(', ')}` : '',
    not.length > 0 ? `not above ${not.join(', ')}` : '',
    missing.length > 0 ? `${missing.join(', ')} not run` : '',
  ].filter((part) => part !== '');
  const state = not.length > 0 ? 'not verified' : missing.length > 0 ? 'not run' : 'verified';
  return { state, detail: said.join('; ') };
}

function sweepFinding({ sweeps }: BenchResults, key: string, best: number, score: TableScore): Finding {
  const values = sweeps.find((sweep) => sweep.key === key)?.values ?? [];
  const numbers = values.flatMap(({ value, line }) => {
    const last = line.scores.get(score)?.own.last.estimate ?? null;
    return last === null ? [] : [{ value, last, line }];
  });
  if (numbers.length < values.length || !numbers.some(({ value }) => value === best) || values.length < 3)
    return notRun;
  const text = numbers.map(({ value, last }) => `${value}: ${last.toFixed(1)}`).join(', ');
  const others = numbers.filter(({ value }) => value !== best);
  const isBest = others.every(({ line }) => (line.scores.get(score)?.ahead?.last.low ?? Number.NaN) > 0);
  return { state: isBest ? 'verified' : 'not verified', detail: text };
}
