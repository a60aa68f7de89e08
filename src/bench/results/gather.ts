/** Everything a bench's tables show, gathered from the records of finished runs before any table is laid out. */
import { type Bench, type BenchMethod, lifealignOf } from '../config/read.ts';
import { methodTitles } from '../paper.ts';
import {
  type Ablation,
  ablationSetting,
  ablations,
  dependsOnOrder,
  type Place,
  sweepSetting,
} from '../plan.ts';
import type { Tuned } from '../tuning.ts';
import { type Line, type LineSource, lineOf } from './lines.ts';
import { type TableScore, tableScores } from './run.ts';

/** A line of a method as it is. */
export interface MethodLine extends Line {
  readonly method: BenchMethod;
}

export interface BenchResults {
  readonly bench: Bench;
  /** That were measured anywhere. */
  readonly scores: readonly TableScore[];
  /** Over the first base; the first of them is the main table. References that have no order stand in that alone. */
  readonly orders: readonly { readonly label: string; readonly lines: readonly MethodLine[] }[];
  /** In the first order. */
  readonly bases: readonly { readonly label: string; readonly lines: readonly MethodLine[] }[];
  /** None where the config does not ask for them. */
  readonly ablations: readonly (Line & { readonly ablation: Ablation })[];
  readonly sweeps: readonly {
    readonly key: string;
    readonly values: readonly { readonly value: string | number | boolean; readonly line: Line }[];
  }[];
  readonly tuned: readonly Tuned[];
}

/** @throws {UserError} for runs to be compared that were measured on different rows. */
export function gatherResults(bench: Bench, source: LineSource, tuned: readonly Tuned[]): BenchResults {
  const [firstBase] = bench.bases;
  const [firstOrder] = bench.orders;
  const lifealign = lifealignOf(bench);
  const placeOf = (base: string, order: string, method: BenchMethod, setting = ''): Place => ({
    base,
    order,
    method: method.label,
    setting,
    split: 'test',
  });
  const linesOf = (base: string, order: string): MethodLine[] =>
    bench.methods
      .filter((method) => order === firstOrder!.label || dependsOnOrder(method))
      .map((method) => {
        const against = lifealign && method !== lifealign ? placeOf(base, order, lifealign) : undefined;
        const options = { label: titleOf(method), alone: method.method.name === 'stl' };
        const line = lineOf(source, placeOf(base, order, method), {
          ...options,
          ...(against ? { against } : {}),
        });
        return { ...line, method };
      });
  const varied = (label: string, setting: string) => {
    const plain = placeOf(firstBase!.label, firstOrder!.label, lifealign!);
    const against = setting === '' ? {} : { against: plain };
    return lineOf(source, { ...plain, setting }, { label, ...against });
  };
  const main = linesOf(firstBase!.label, firstOrder!.label);
  const orders = bench.orders.map(({ label }, at) => ({
    label,
    lines: at === 0 ? main : linesOf(firstBase!.label, label),
  }));
  const bases = bench.bases.map(({ label }, at) => ({
    label,
    lines: at === 0 ? main : linesOf(label, firstOrder!.label),
  }));
  const parts = bench.ablations ? ablations : [];
  const all = [...orders, ...bases].flatMap(({ lines }) => lines);
  return {
    bench,
    scores: tableScores.filter((score) => all.some((line) => line.scores.has(score))),
    orders,
    bases,
    ablations: parts.map((ablation) => ({ ...varied(ablation, ablationSetting(ablation)), ablation })),
    sweeps: bench.sweeps.map(({ key, values }) => ({
      key,
      values: values.map((value) => ({ value, line: varied(String(value), sweepSetting(key, value)) })),
    })),
    tuned,
  };
}

/** As the paper writes it, where the config gives no label. */
function titleOf({ label, method }: BenchMethod): string {
  return label === method.name ? (methodTitles[label] ?? label) : label;
}
