/** Tables of numbers: what the tasks score before and after, and what the gate said. */
import type { ComponentChildren } from 'preact';
import { decimal, shown } from '../../../src/eval/number-text.ts';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { Gate, GateLimit, Scores } from '../../../src/service/memories/schema.ts';

interface GridProps {
  readonly caption: string;
  readonly heads: readonly string[];
  /** Rows. */
  readonly children: ComponentChildren;
}

function Grid({ caption, heads, children }: GridProps) {
  return (
    <ScrollBox label={caption}>
      <table class="grid">
        <caption>{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </ScrollBox>
  );
}

type ByTask = Readonly<Record<string, Scores>>;

interface ScoresTableProps {
  readonly caption: string;
  readonly before: ByTask;
  readonly after: ByTask;
  /** Whose rows stand out. */
  readonly task?: string | null;
}

/** A row for each task in either; of one that was not measured on a side, a dash. */
export function ScoresTable({ caption, before, after, task }: ScoresTableProps) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (names.length === 0) return <p class="note">Not measured.</p>;
  const of = (scores: Scores | undefined) => scores?.preference_accuracy ?? null;
  return (
    <Grid caption={caption} heads={['task', 'rows', 'before', 'after', 'change', 'margin, nats']}>
      {names.map((name) => {
        const [old, now] = [of(before[name]), of(after[name])];
        const change = old === null || now === null ? null : now - old;
        const margin = after[name]?.margin ?? null;
        return (
          <tr key={name} class={name === task ? 'own' : undefined}>
            <th scope="row">
              <bdi>{name}</bdi>
            </th>
            <td>{(after[name] ?? before[name])?.rows}</td>
            <td>{decimal(old)}</td>
            <td>{decimal(now)}</td>
            <td class={tone(change)}>{signed(change)}</td>
            <td>{decimal(margin, 2)}</td>
          </tr>
        );
      })}
    </Grid>
  );
}

function signed(change: number | null): string {
  const text = decimal(change);
  return change !== null && change > 0 ? `+${text}` : text;
}

function tone(change: number | null): string | undefined {
  if (change === null || Math.abs(change) < 0.05) return undefined;
  return change > 0 ? 'up' : 'down';
}

interface GateTableProps {
  readonly gate: Gate;
}

export function GateTable({ gate }: GateTableProps) {
  const { lambda, threshold, scale } = gate.consolidation;
  const unit = gate.score === 'margin' ? 'margin, nats' : `${gate.score.replace('_', ' ')}, points`;
  return (
    <>
      <p>
        <Verdict passed={gate.passed} /> on {unit}, with {100 * gate.level} % intervals and the rule{' '}
        {gate.rule}; consolidated with λ {lambda}, θ {threshold}, scale {scale}.
      </p>
      <Limits caption="Limits, on gate rows" limits={gate.limits} />
      {gate.default_limits && (
        <Limits caption="Under the settings of the config" limits={gate.default_limits} />
      )}
      {gate.searched.length > 0 && (
        <Grid
          caption="Settings searched, what keeps most first"
          heads={['λ', 'θ', 'scale', 'energy kept, %', 'limits']}
        >
          {gate.searched.map((one) => (
            <tr key={`${one.lambda} ${one.threshold} ${one.scale}`}>
              <td>{one.lambda}</td>
              <td>{one.threshold}</td>
              <td>{one.scale}</td>
              <td>{decimal(one.energy_kept)}</td>
              <td>
                <Verdict passed={one.passed} />
              </td>
            </tr>
          ))}
        </Grid>
      )}
    </>
  );
}

export function Verdict({ passed }: { readonly passed: boolean }) {
  return <span class={`badge ${passed ? 'good' : 'bad'}`}>{passed ? 'passed' : 'refused'}</span>;
}

interface LimitsProps {
  readonly caption: string;
  readonly limits: readonly GateLimit[];
}

function Limits({ caption, limits }: LimitsProps) {
  if (limits.length === 0) return <p class="note">No limit was set.</p>;
  return (
    <Grid caption={caption} heads={['limit', 'measured', 'allowed', 'verdict']}>
      {limits.map((limit) => (
        <tr key={`${limit.kind} ${limit.task}`}>
          <th scope="row">
            <bdi>{nameOf(limit)}</bdi>
          </th>
          <td>{shown(limit, limit.kind === 'drift' ? 4 : 1)}</td>
          <td>
            {limit.kind === 'gain' ? 'at least' : 'at most'} {limit.limit}
          </td>
          <td>
            <span class={`badge ${limit.broken ? 'bad' : 'good'}`}>{limit.broken ? 'broken' : 'kept'}</span>
          </td>
        </tr>
      ))}
    </Grid>
  );
}

function nameOf({ kind, task }: GateLimit): string {
  if (kind === 'budget') return `loss of ${task}`;
  return kind === 'gain' ? `gain of ${task}` : 'drift from the base';
}
