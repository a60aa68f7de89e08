/** From a bench's config file to what it asks for, checked as a whole: methods, orders, bases, seeds, settings. */
import { basename, dirname, resolve } from 'node:path';
import { findMethod } from '../../method/index.ts';
import type { Method } from '../../method/method.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { configError } from '../../train/config/messages.ts';
import { type ConfigTree, isTree } from '../../train/config/overrides.ts';
import { readConfigTree } from '../../train/config/read-tree.ts';
import { type BenchSettings, benchSchema } from './schema.ts';

/** Values by dotted key of a run's config. */
export type Changes = Readonly<Record<string, unknown>>;

export interface BenchMethod {
  /** Names it in tables; no two are alike. */
  readonly label: string;
  readonly method: Method;
  readonly set: Changes;
  /** Empty without tuning. */
  readonly trials: readonly Changes[];
  /** The label of the method whose trials decide, its own where nothing else is said. */
  readonly tunedAs: string;
}

/** A task of the base config; its other keys are for `train` to check. */
export interface BenchTask extends ConfigTree {
  readonly name: string;
}

export interface Bench {
  /** The config's file, for messages, and its folder, from which relative paths start. */
  readonly file: string;
  readonly folder: string;
  /** The base config without base and tasks. */
  readonly shared: ConfigTree;
  readonly tasks: readonly BenchTask[];
  readonly bases: readonly { readonly label: string; readonly base: string }[];
  /** The first is that of ablations, sweeps and tuning. */
  readonly orders: readonly { readonly label: string; readonly tasks: readonly string[] }[];
  readonly methods: readonly BenchMethod[];
  readonly ablations: boolean;
  readonly seeds: readonly number[];
  readonly sweeps: BenchSettings['sweeps'];
  /** Seeds of the trials; empty without tuning. */
  readonly tuningSeeds: readonly number[];
}

type Refuse = (field: string, problem: string) => DataError;

/** Settings of the base config that are for the methods that have the part by themselves: SeqFT with ER's replay would be ER. */
export const methodParts = ['lora', 'replay', 'consolidation'] as const;

export function hasPart({ createPool, defaults }: Method, part: (typeof methodParts)[number]): boolean {
  if (part === 'lora') return createPool === undefined;
  return part === 'replay' ? defaults.replay === 'on' : defaults.consolidation !== null;
}

/** What the bench itself decides, run by run. */
const DECIDED = ['base', 'tasks', 'method', 'seed'];

/** The method that ablations and sweeps are of, and that the others are compared with. */
export function lifealignOf({ methods }: Pick<Bench, 'methods'>): BenchMethod | undefined {
  return methods.find(({ method }) => method.name === 'lifealign');
}

/** @throws {UserError} naming the file and the key that is unknown, out of range, or contradicts another. */
export async function readBench(file: string): Promise<Bench> {
  const tree = await readConfigTree(file, 'a mapping of keys such as base_config and methods');
  const parsed = benchSchema.safeParse(tree);
  if (!parsed.success) throw configError(file, benchSchema, tree, parsed.error.issues);
  const settings = parsed.data;
  const refuse: Refuse = (field, problem) => new DataError({ file, field }, problem);

  const { base: _, tasks: __, ...shared } = settings.base_config;
  const tasks = tasksOf(settings, refuse);
  const methods = methodsOf(settings, refuse);
  for (const key of ['method', 'seed']) {
    if (Object.hasOwn(shared, key))
      throw refuse(`base_config.${key}`, `decided by ${key}s; leave it out here`);
  }
  refuseForeignParts(shared, methods, refuse);
  unique(settings.seeds.map(String), (at) => refuse(`seeds.${at}`, 'stands there twice'));
  checkChanges(settings, refuse);
  if (!lifealignOf({ methods })) {
    if (settings.ablations) throw refuse('ablations', 'needs the method lifealign among the methods');
    if (settings.sweeps.length > 0) throw refuse('sweeps', 'needs the method lifealign among the methods');
  }
  return {
    file,
    folder: dirname(resolve(file)),
    shared,
    tasks,
    bases: basesOf(settings, refuse),
    orders: ordersOf(settings, tasks, refuse),
    methods,
    ablations: settings.ablations,
    seeds: settings.seeds,
    sweeps: settings.sweeps,
    tuningSeeds: settings.tuning ? checkedTuningSeeds(settings, tasks, refuse) : [],
  };
}

function tasksOf({ base_config: { tasks } }: BenchSettings, refuse: Refuse): BenchTask[] {
  const at = 'base_config.tasks';
  if (!Array.isArray(tasks) || tasks.length === 0)
    throw refuse(at, 'expected a list of tasks, as in a config of train');
  const named = tasks.map((task: unknown, place) => {
    const name = isTree(task) ? task['name'] : undefined;
    if (!isTree(task) || typeof name !== 'string')
      throw refuse(`${at}.${place}.name`, 'expected the name of a task');
    return { ...task, name };
  });
  unique(
    named.map(({ name }) => name),
    (place) => refuse(`${at}.${place}.name`, 'names an earlier task too'),
  );
  return named;
}

function methodsOf({ methods, tuning }: BenchSettings, refuse: Refuse): BenchMethod[] {
  const found = methods.map(({ name, label, set, trials, tuned_as }, at) => {
    const own = label ?? name;
    try {
      return {
        label: own,
        method: findMethod(name),
        set,
        trials: trials ?? tuning?.trials ?? [],
        tunedAs: tuned_as ?? own,
      };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw refuse(`methods.${at}.name`, error.message);
    }
  });
  unique(
    found.map(({ label }) => label.toLowerCase()),
    (at) =>
      refuse(
        `methods.${at}`,
        `"${found[at]!.label}" names an earlier method too; give it a label of its own`,
      ),
  );
  checkTrials(methods, tuning, found, refuse);
  return found;
}

/** Equal terms: as many trials for one as for the other. */
function checkTrials(
  methods: BenchSettings['methods'],
  tuning: BenchSettings['tuning'],
  found: readonly BenchMethod[],
  refuse: Refuse,
): void {
  for (const [at, { trials, tuned_as: tunedAs }] of methods.entries()) {
    const field = (key: string) => `methods.${at}.${key}`;
    if (trials && !tuning) throw refuse(field('trials'), 'there is no tuning, so they would have no effect');
    if (trials && tuning && trials.length !== tuning.trials.length) {
      const problem = `expected ${tuning.trials.length} of them, as every method has, found ${trials.length}`;
      throw refuse(field('trials'), problem);
    }
    if (tunedAs === null) continue;
    if (!tuning) throw refuse(field('tuned_as'), 'there is no tuning, so it would have no effect');
    if (trials) throw refuse(field('tuned_as'), 'the method has trials of its own');
    const other = found.findIndex(({ label }) => label === tunedAs);
    if (other === -1 || other === at || methods[other]!.tuned_as !== null) {
      throw refuse(
        field('tuned_as'),
        `expected the label of another method that is tuned itself, found "${tunedAs}"`,
      );
    }
  }
}

/** A part that none of the methods has would reach nothing. */
function refuseForeignParts(shared: ConfigTree, methods: readonly BenchMethod[], refuse: Refuse): void {
  for (const part of methodParts) {
    if (
      shared[part] === undefined ||
      shared[part] === null ||
      methods.some(({ method }) => hasPart(method, part))
    )
      continue;
    throw refuse(`base_config.${part}`, `no method here has ${part} by itself, so it would have no effect`);
  }
}

function checkChanges({ methods, sweeps, tuning }: BenchSettings, refuse: Refuse): void {
  const trialsOf = (at: number) => methods[at]!.trials ?? tuning?.trials ?? [];
  const trials = tuning?.trials ?? [];
  const all: (readonly [at: string, key: string])[] = [
    ...methods.flatMap(({ set }, at) => Object.keys(set).map((key) => [`methods.${at}.set`, key] as const)),
    ...methods.flatMap(({ trials: own }, at) =>
      (own ?? []).flatMap((trial, place) =>
        Object.keys(trial).map((key) => [`methods.${at}.trials.${place}`, key] as const),
      ),
    ),
    ...trials.flatMap((trial, at) => Object.keys(trial).map((key) => [`tuning.trials.${at}`, key] as const)),
    ...sweeps.map(({ key }, at) => [`sweeps.${at}`, key] as const),
  ];
  for (const [at, key] of all) {
    const [first = ''] = key.split('.');
    if (DECIDED.includes(first))
      throw refuse(`${at}.${key}`, 'decided by the bench for each run; it cannot be changed here');
  }
  for (const [at, { set }] of methods.entries()) {
    const twice = Object.keys(set).find((key) => trialsOf(at).some((trial) => Object.hasOwn(trial, key)));
    if (twice !== undefined)
      throw refuse(`methods.${at}.set.${twice}`, 'a trial of tuning sets it too, so it would have no effect');
  }
  unique(
    sweeps.map(({ key }) => key),
    (at) => refuse(`sweeps.${at}.key`, 'is swept already'),
  );
  for (const [at, { values }] of sweeps.entries())
    unique(values.map(String), (place) => refuse(`sweeps.${at}.values.${place}`, 'stands there twice'));
}

function basesOf({ bases, base_config: { base } }: BenchSettings, refuse: Refuse): Bench['bases'] {
  if (bases.length === 0) {
    if (typeof base !== 'string' || base === '')
      throw refuse('base_config.base', 'missing; expected a model, or a list of them under bases');
    return [{ label: basename(base), base }];
  }
  if (base !== undefined) throw refuse('base_config.base', 'decided by bases; leave it out here');
  unique(
    bases.map((path) => basename(path).toLowerCase()),
    (at) => refuse(`bases.${at}`, 'its last part names an earlier base too'),
  );
  return bases.map((path) => ({ label: basename(path), base: path }));
}

function ordersOf({ orders }: BenchSettings, tasks: readonly BenchTask[], refuse: Refuse): Bench['orders'] {
  const names = tasks.map(({ name }) => name);
  const given = Object.entries(orders);
  if (given.length === 0) return [{ label: 'as-given', tasks: names }];
  return given.map(([label, order]) => {
    const at = `orders.${label}`;
    const unknown = order.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw refuse(at, `no task is named "${unknown}"; there are ${names.join(', ')}`);
    unique(order, (place) => refuse(`${at}.${place}`, `"${order[place]}" stands there twice`));
    const missing = names.find((name) => !order.includes(name));
    if (missing !== undefined) throw refuse(at, `"${missing}" is missing; an order has all tasks`);
    return { label, tasks: order };
  });
}

function checkedTuningSeeds(
  { tuning, seeds }: BenchSettings,
  tasks: readonly BenchTask[],
  refuse: Refuse,
): readonly number[] {
  const { seeds: own } = tuning!;
  unique(own.map(String), (at) => refuse(`tuning.seeds.${at}`, 'stands there twice'));
  const shared = own.findIndex((seed) => seeds.includes(seed));
  if (shared !== -1)
    throw refuse(
      `tuning.seeds.${shared}`,
      `${own[shared]} is reported too; settings are chosen on seeds of their own`,
    );
  for (const [at, { test }] of tasks.entries()) {
    if (typeof test === 'string' && test.includes('{split}')) continue;
    const problem =
      'expected {split} in it, so that settings are chosen on validation rows: builtin:facts/{split}?seed={seed}, or rows.{split}.jsonl';
    throw refuse(`base_config.tasks.${at}.test`, problem);
  }
  return own;
}

/** @param refuse makes the error for a place whose name an earlier place has */
function unique(names: readonly string[], refuse: (at: number) => Error): void {
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (twice !== -1) throw refuse(twice);
}
