/**
 * The gate at work: candidates scored on gate rows and judged, the config's first, then, where that breaks a limit,
 * those of the search. Report rows have no part in it.
 */
import { driftRows } from '../eval/general-ability.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import type { GeneralMeasured } from '../train/neutral.ts';
import type { TaskRows } from '../train/task-rows.ts';
import { type Candidate, type CandidateSettings, energyKept } from './candidate.ts';
import { budgetVerdict, driftVerdict, gainVerdict, type LimitVerdict } from './gate/gate.ts';
import { grid, search, type Tried } from './gate/search.ts';
import type { GateSettings, SearchSettings } from './gate/settings.ts';
import { type Measuring, valuesOf } from './measure.ts';

export interface GuardedTask {
  readonly task: string;
  readonly gate: TaskRows;
  /** The version that learned it. */
  readonly learned: LoraAdapter;
}

export interface Judging {
  readonly head: LoraAdapter;
  readonly earlier: readonly GuardedTask[];
  readonly added: { readonly task: string; readonly gate: TaskRows };
  readonly gate: GateSettings;
  readonly seed: number;
  readonly measuring: Measuring;
  /** On neutral prompts, under a candidate. */
  measureGeneral(adapter: LoraAdapter, label: string): Promise<GeneralMeasured>;
}

export interface JudgedCandidate {
  readonly passed: boolean;
  /** Earlier tasks in their order, the new one, the drift; of a search those up to the first that is broken. */
  readonly limits: readonly LimitVerdict[];
  /** `null` where it was not measured. */
  readonly general: GeneralMeasured | null;
}

export interface Decision {
  /** That may be committed; where all break a limit, the config's. */
  readonly candidate: Candidate;
  readonly verdict: JudgedCandidate;
  /** Of the config's candidate. */
  readonly first: JudgedCandidate;
  /** By the search, in the order in which they were tried. */
  readonly tried: readonly Tried<JudgedCandidate>[];
}

/** @param make a candidate; the same settings give the same one */
export async function decide(
  own: CandidateSettings,
  make: (settings: CandidateSettings) => Candidate,
  searched: SearchSettings | null,
  judging: Judging,
): Promise<Decision> {
  const candidate = make(own);
  const first = await judgeCandidate(limitsOf(candidate, judging, 'the gate'));
  const refused = { candidate, verdict: first, first, tried: [] };
  if (first.passed || searched === null) return refused;
  const broken = first.limits.filter((limit) => limit.broken).map(keyOf);
  const searching = {
    ...judging,
    gate: { ...judging.gate, min_gain: leastGain(first, judging.gate, searched) },
  };
  const all = grid(searched, own);
  const { found, tried } = await search(
    all,
    (settings) => energyKept(make(settings)),
    (settings, at) => {
      const limits = limitsOf(make(settings), searching, `the search, ${at + 1} of at most ${all.length}`);
      return judgeCandidate(limits, broken);
    },
  );
  if (!found) return { ...refused, tried };
  return { candidate: make(found.settings), verdict: found.judged, first, tried };
}

/** What is asked of the new task's gain once settings are searched. */
function leastGain(
  { limits }: JudgedCandidate,
  { min_gain: least }: GateSettings,
  { keep_gain: share }: SearchSettings,
): number | null {
  const gain = limits.find(({ kind }) => kind === 'gain');
  return least === null || !gain ? null : Math.max(least, share * gain.measured.estimate);
}

/** A limit that is still to be looked at. */
interface Limit {
  readonly key: string;
  look(): Promise<{ readonly verdict: LimitVerdict; readonly general?: GeneralMeasured }>;
}

/** @param suspects limits to look at first, and then to stop at the first that is broken; left out: all are looked at */
async function judgeCandidate(
  limits: readonly Limit[],
  suspects?: readonly string[],
): Promise<JudgedCandidate> {
  const isSuspect = ({ key }: Limit) => Number(suspects?.includes(key) ?? false);
  const seen = new Map<string, LimitVerdict>();
  let general: GeneralMeasured | null = null;
  for (const { key, look } of limits.toSorted((a, b) => isSuspect(b) - isSuspect(a))) {
    const looked = await look();
    general = looked.general ?? general;
    seen.set(key, looked.verdict);
    if (looked.verdict.broken && suspects) break;
  }
  const verdicts = limits.flatMap(({ key }) => seen.get(key) ?? []);
  return { passed: verdicts.every(({ broken }) => !broken), limits: verdicts, general };
}

function limitsOf({ adapter }: Candidate, judging: Judging, label: string): Limit[] {
  const { head, earlier, added, gate, seed, measuring } = judging;
  const { min_gain: least, max_drift: most } = gate;
  const under = async (version: LoraAdapter, rows: TaskRows, what: string) =>
    valuesOf(gate.score, await measuring.version(rows, version, `${label}, ${what}`));
  const now = async (rows: TaskRows, what: string) =>
    valuesOf(gate.score, await measuring.candidate(rows, adapter, `${label}, ${what}`));
  const budgets = earlier.map(
    ({ task, gate: rows, learned }): Limit => ({
      key: keyOf({ kind: 'budget', task }),
      look: async () => {
        const scores = {
          task,
          learned: await under(learned, rows, `${task} when it was learned`),
          before: await under(head, rows, `${task} before`),
          now: await now(rows, task),
        };
        return { verdict: budgetVerdict(scores, gate, seed) };
      },
    }),
  );
  const gains =
    least === null
      ? []
      : [least].map(
          (limit): Limit => ({
            key: keyOf({ kind: 'gain', task: added.task }),
            look: async () => {
              const before = await under(head, added.gate, `${added.task} before`);
              const scores = { task: added.task, before, now: await now(added.gate, added.task) };
              return { verdict: gainVerdict(scores, limit, gate, seed) };
            },
          }),
        );
  const drifts =
    most === null
      ? []
      : [most].map(
          (limit): Limit => ({
            key: keyOf({ kind: 'drift', task: null }),
            look: async () => {
              const general = await judging.measureGeneral(adapter, label);
              return { verdict: driftVerdict(driftRows(general.drawn), limit, gate, seed), general };
            },
          }),
        );
  return [...budgets, ...gains, ...drifts];
}

function keyOf({ kind, task }: Pick<LimitVerdict, 'kind' | 'task'>): string {
  return `${kind} ${task}`;
}
