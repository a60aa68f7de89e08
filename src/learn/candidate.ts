/**
 * What a task's trained stages make of the memory under given settings of consolidation: of the recorded short-term
 * memories, without training anything again.
 *
 * Training itself consolidated the SFT stage under the config's settings before the preference stage began, so under
 * any other settings the preference stage's short-term memory is added to a memory it did not start from. What is
 * searched is therefore not what another run would have trained, only what can be made of this one.
 */
import type { MatrixReport } from '../memory/consolidate.ts';
import { consolidateAdapter, MemoryHistory } from '../memory/consolidate-adapter.ts';
import { mergeRefined } from '../memory/store/merge.ts';
import { type LoraAdapter, mapAdapter } from '../model/adapter.ts';
import type { StageName } from '../train/config/schema.ts';
import { scaled } from './compose.ts';

/** λ, θ and what refined memories are multiplied with. */
export interface CandidateSettings {
  readonly lambda: number;
  readonly threshold: number;
  readonly scale: number;
}

export interface StageMemory {
  readonly stage: StageName;
  /** What training changed. */
  readonly shortTerm: LoraAdapter;
}

export interface RefinedStage extends StageMemory {
  readonly refined: LoraAdapter;
  readonly reports: ReadonlyMap<string, MatrixReport>;
}

export interface Candidate {
  readonly settings: CandidateSettings;
  readonly stages: readonly RefinedStage[];
  /** The memory with the task, as a commit of it will be. */
  readonly adapter: LoraAdapter;
}

/**
 * @param head the memory's adapter
 * @param history refined memories of all its stages, oldest first
 * @param stages the task's, in order
 */
export function candidateOf(
  head: LoraAdapter,
  history: readonly LoraAdapter[],
  stages: readonly StageMemory[],
  settings: CandidateSettings,
): Candidate {
  const { lambda, threshold, scale } = settings;
  const earlier = new MemoryHistory();
  for (const memory of history) earlier.append(memory);
  let adapter = head;
  const refinedStages = stages.map((stage): RefinedStage => {
    const after = mergeRefined(adapter, stage.shortTerm, 'factors');
    const whole = consolidateAdapter(adapter, after, earlier, { lambda, threshold });
    const refined = scale === 1 ? whole.refined : scaled(whole.refined, scale);
    adapter = mergeRefined(adapter, refined, 'factors');
    earlier.append(refined);
    return { ...stage, refined, reports: scaledReports(whole.reports, scale) };
  });
  return { settings, stages: refinedStages, adapter };
}

/** after − before, in float32. */
export function shortTermOf(before: LoraAdapter, after: LoraAdapter): LoraAdapter {
  return mapAdapter(after, ({ data }, name) => {
    const from = before.tensors.get(name)!.data;
    return data.map((value, at) => value - from[at]!);
  });
}

/** Of the short-term memories' energy, the share that is left in the refined ones. */
export function energyKept({ stages }: Candidate): number {
  let [before, after] = [0, 0];
  for (const { reports } of stages) {
    for (const { energy } of reports.values()) {
      before += energy.shortTerm;
      after += energy.refined;
    }
  }
  return before === 0 ? 0 : after / before;
}

function scaledReports(
  reports: ReadonlyMap<string, MatrixReport>,
  scale: number,
): ReadonlyMap<string, MatrixReport> {
  return new Map(
    Array.from(reports, ([name, report]) => [
      name,
      { ...report, energy: { ...report.energy, refined: scale ** 2 * report.energy.refined } },
    ]),
  );
}
