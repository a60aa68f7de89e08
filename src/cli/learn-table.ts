/** What an update of a memory did, as text for people. No text of a row is in it. */
import { decimal, shown } from '../eval/number-text.ts';
import type { LearnOutcome } from '../learn/learn.ts';
import type { GateRecord, LimitRecord, SearchedRecord } from '../learn/update.ts';
import { textTable } from './memory-command.ts';

export function learnTable({ task, committed, version, rows, metrics }: LearnOutcome): string {
  const { gate, general } = metrics;
  const { train, gate: guarded, report } = rows;
  const lines = [
    `task ${task}: trained on ${train} rows, judged on ${guarded}, reported on ${report}`,
    '',
    reportTable(metrics),
    ...(general ? ['', generalLine(general)] : []),
    '',
    ...gateLines(gate),
    '',
    committed ? `committed as version ${version.number}${how(gate)}` : refusal(version.number),
  ];
  return lines.join('\n');
}

/** Every limit, what broke under the config's settings where others were searched, and what was tried. */
export function gateLines(gate: GateRecord): string[] {
  return [
    `the gate, on gate rows (${units(gate)}, ${100 * gate.level} % intervals, rule ${gate.rule}):`,
    limitTable(gate.limits),
    ...(gate.default_limits
      ? ['', 'broken under the settings of the config:', brokenTable(gate.default_limits)]
      : []),
    ...(gate.searched.length > 0 ? ['', 'searched, what keeps most first:', searchTable(gate.searched)] : []),
  ];
}

function reportTable({ before, after, gate }: LearnOutcome['metrics']): string {
  const digits = gate.score === 'margin' ? 3 : 1;
  const lines = Object.entries(after).map(([task, metrics]) => {
    const change = metrics['change'] as { estimate: number; low: number; high: number };
    return [
      task,
      String(metrics.rows),
      decimal(before[task]?.preference_accuracy ?? null),
      decimal(metrics.preference_accuracy),
      decimal(metrics.reward_accuracy ?? null),
      decimal(metrics.margin ?? null, 3),
      shown(change, digits),
    ];
  });
  const head = [
    'report rows',
    'rows',
    'preferred before',
    'after',
    'rewarded',
    'margin',
    `change of ${units(gate)}`,
  ];
  return textTable([head, ...lines]);
}

function limitTable(limits: readonly LimitRecord[]): string {
  if (limits.length === 0) return 'no limit is set';
  const lines = limits.map((limit) => {
    const digits = limit.kind === 'drift' ? 4 : 1;
    return [what(limit), shown(limit, digits), bound(limit), limit.broken ? 'BROKEN' : 'kept'];
  });
  return textTable([['limit', 'measured', 'allowed', ''], ...lines]);
}

function brokenTable(limits: readonly LimitRecord[]): string {
  return limitTable(limits.filter(({ broken }) => broken));
}

function searchTable(searched: readonly SearchedRecord[]): string {
  const lines = searched.map(({ lambda, threshold, scale, energy_kept: kept, passed, limits }) => {
    const broken = limits.find((limit) => limit.broken);
    const outcome = passed || !broken ? 'kept' : `${what(broken)}: ${shown(broken)}`;
    return [String(lambda), String(threshold), String(scale), decimal(kept), outcome];
  });
  return textTable([['lambda', 'theta', 'scale', '% kept', 'limits'], ...lines]);
}

function what({ kind, task }: LimitRecord): string {
  if (kind === 'budget') return `loss of ${task}`;
  return kind === 'gain' ? `gain of ${task}` : 'drift from the base';
}

function bound({ kind, limit }: LimitRecord): string {
  return kind === 'gain' ? `at least ${limit}` : `at most ${limit}`;
}

function units({ score }: GateRecord): string {
  return score === 'margin' ? 'margin, nats' : `${score.replace('_', ' ')}, points`;
}

function generalLine({ kl, loss, base_loss: base }: NonNullable<LearnOutcome['metrics']['general']>): string {
  const change = `loss ${decimal(loss, 3)} (base ${decimal(base, 3)})`;
  return `neutral conversations, nats per token: KL to the base ${decimal(kl, 4)}, ${change}`;
}

function how({ default_limits: first, consolidation: { lambda, threshold, scale } }: GateRecord): string {
  return first === null ? '' : `, consolidated with lambda ${lambda}, theta ${threshold}, scale ${scale}`;
}

function refusal(version: number): string {
  return (
    `REFUSED: the memory is as it was. What was trained is kept aside as version ${version}: ` +
    `"memory show ${version}" explains it, "memory revert ${version}" takes it all the same.`
  );
}
