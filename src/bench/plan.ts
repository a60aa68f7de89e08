/** From a bench to its runs: which places in the tables there are, and the config of the run behind each. */

import { DataError } from '../support/errors.ts';
import { type ConfigTree, isTree, setKey } from '../train/config/overrides.ts';
import {
  type Bench,
  type BenchMethod,
  type Changes,
  hasPart,
  lifealignOf,
  methodParts,
} from './config/read.ts';

/** What a number in a table is of, seeds aside; all of it labels. */
export interface Place {
  readonly base: string;
  readonly order: string;
  readonly method: string;
  /** Empty for the method as it is; else an ablation, a swept value or a trial. */
  readonly setting: string;
  readonly split: 'test' | 'validation';
}

export interface PlannedRun {
  readonly place: Place;
  readonly seed: number;
  /** As a config of `train` would have it; paths are relative to the bench's file still. */
  readonly tree: ConfigTree;
}

/**
 * What the trial that tuning chose for a method changes over a base of that label: nothing without tuning, `null`
 * before the choice. What is not chosen yet is not planned.
 */
export type ChosenTrial = (base: string, method: BenchMethod) => Changes | null;

export const ablations = ['neither', 'SLMC only', 'FPO only', 'both'] as const;
export type Ablation = (typeof ablations)[number];

export function placeKey({ base, order, method, setting, split }: Place): string {
  return JSON.stringify([split, base, order, method, setting]);
}

/** LifeAlign with both parts is LifeAlign. */
export function ablationSetting(ablation: Ablation): string {
  return ablation === 'both' ? '' : ablation;
}

export function sweepSetting(key: string, value: string | number | boolean): string {
  return `${key}=${value}`;
}

export function trialSetting(trial: number): string {
  return `trial ${trial + 1}`;
}

/** These learn no stream: another order of the tasks changes nothing that they are asked for. */
export function dependsOnOrder({ method }: BenchMethod): boolean {
  return method.name !== 'stl' && method.tasks === 'in turn';
}

/**
 * The runs behind the tables, each on test rows. The first base and order come first, seed after seed, so that a
 * bench that was broken off has most of the main table; ablations, orders and sweeps are of that base alone.
 */
export function reportRuns(bench: Bench, chosen: ChosenTrial): PlannedRun[] {
  const { methods, orders, bases, seeds, sweeps } = bench;
  const [firstOrder, ...otherOrders] = orders as [Order, ...Order[]];
  const [firstBase, ...otherBases] = bases as [Base, ...Base[]];
  const lifealign = lifealignOf(bench);
  const plan = (
    { base = firstBase, order = firstOrder }: { readonly base?: Base; readonly order?: Order },
    method: BenchMethod,
    seed: number,
    [setting, change]: Variant = ['', unchanged],
  ): PlannedRun[] => {
    const trial = chosen(base.label, method);
    if (trial === null) return [];
    const place = { base, order, method, setting, seed, split: 'test' } as const;
    return [plannedRun(bench, place, [asChange(trial), change])];
  };
  const plain = (where: { readonly base?: Base; readonly order?: Order }, among: readonly BenchMethod[]) =>
    seeds.flatMap((seed) => among.flatMap((method) => plan(where, method, seed)));
  const varied = (variants: readonly Variant[]) =>
    seeds.flatMap((seed) =>
      variants.flatMap((variant) => (lifealign ? plan({}, lifealign, seed, variant) : [])),
    );
  const parts = bench.ablations ? ablations.filter((ablation) => ablation !== 'both') : [];
  const swept = sweeps.flatMap(({ key, values }) =>
    values.map((value) => [sweepSetting(key, value), asChange({ [key]: value })] as const),
  );
  return [
    ...plain({}, methods),
    ...varied(parts.map((ablation) => [ablation, ablationChange(ablation)] as const)),
    ...otherOrders.flatMap((order) => plain({ order }, methods.filter(dependsOnOrder))),
    ...otherBases.flatMap((base) => plain({ base }, methods)),
    ...varied(swept),
  ];
}

/**
 * The trials of every method that has a choice of them, over every base, on validation rows and in the first order. A
 * single one is taken as it is.
 */
export function tuningRuns(bench: Bench): PlannedRun[] {
  const { tuningSeeds, orders, bases, methods } = bench;
  const tuned = methods.filter(({ label, tunedAs, trials }) => label === tunedAs && trials.length > 1);
  return bases.flatMap((base) =>
    tuningSeeds.flatMap((seed) =>
      tuned.flatMap((method) =>
        method.trials.map((trial, at) => {
          const setting = trialSetting(at);
          const place = { base, order: orders[0]!, method, setting, seed, split: 'validation' } as const;
          return plannedRun(bench, place, [asChange(trial)]);
        }),
      ),
    ),
  );
}

type Base = Bench['bases'][number];
type Order = Bench['orders'][number];

interface RunPlace {
  readonly base: Base;
  readonly order: Order;
  readonly method: BenchMethod;
  readonly setting: string;
  readonly seed: number;
  readonly split: Place['split'];
}

type Refuse = (key: string, problem: string) => Error;
/** Changes the config in place. */
type Change = (tree: ConfigTree, refuse: Refuse) => void;
type Variant = readonly [setting: string, change: Change];

const unchanged: Change = () => {};

function asChange(changes: Changes): Change {
  return (tree, refuse) => {
    for (const [key, value] of Object.entries(changes))
      setKey(tree, key.split('.'), structuredClone(value), (problem) => refuse(key, problem));
  };
}

/** Base config as far as it is for the method, then the method's own settings, then `further`, each over what was before. */
function plannedRun(
  bench: Bench,
  { base, order, method, setting, seed, split }: RunPlace,
  further: readonly Change[],
): PlannedRun {
  const filled = (value: unknown) =>
    typeof value === 'string' ? value.replaceAll('{seed}', String(seed)).replaceAll('{split}', split) : value;
  const tasks = order.tasks.map((name) => {
    const task = bench.tasks.find((candidate) => candidate.name === name)!;
    return { ...structuredClone(task), train: filled(task['train']), test: filled(task['test']) };
  });
  const shared = Object.entries(bench.shared).filter(([key]) => {
    const part = methodParts.find((name) => name === key);
    return part === undefined || hasPart(method.method, part);
  });
  const tree: ConfigTree = {
    ...structuredClone(Object.fromEntries(shared)),
    base: base.base,
    method: method.method.name,
    seed,
    tasks,
  };
  const place = { base: base.label, order: order.label, method: method.label, setting, split };
  const refuse: Refuse = (field, problem) => new DataError({ file: runOrigin(bench, place), field }, problem);
  for (const change of [asChange(method.set), ...further]) change(tree, refuse);
  return { place, seed, tree };
}

/** Says of a key that is refused whose it was. */
export function runOrigin({ file }: Pick<Bench, 'file'>, { method, setting }: Place): string {
  return `${file}, base_config as ${method}${setting === '' ? '' : ` (${setting})`} has it`;
}

function ablationChange(ablation: Ablation): Change {
  return (tree) => {
    if (ablation === 'FPO only' || ablation === 'neither') tree['consolidation'] = null;
    if (ablation === 'SLMC only' || ablation === 'neither') useDpo(tree);
  };
}

/** DPO is FPO without its gamma; what else there is to set they have in common. */
function useDpo(tree: ConfigTree): void {
  const stages = isTree(tree['stages']) ? tree['stages'] : {};
  const preference = isTree(stages['preference']) ? stages['preference'] : {};
  const given = isTree(preference['objective']) ? preference['objective'] : {};
  const { gamma: _, ...common } = given;
  tree['stages'] = { ...stages, preference: { ...preference, objective: { ...common, name: 'dpo' } } };
}
