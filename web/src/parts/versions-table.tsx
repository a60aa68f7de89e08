/** Versions of a memory, the newest first. */
import { decimal } from '../../../src/eval/number-text.ts';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { VersionSummary } from '../../../src/service/memories/schema.ts';
import { linkTo } from '../router.ts';
import { Verdict } from './tables.tsx';
import { When } from './when.tsx';

interface VersionsTableProps {
  readonly memory: string;
  readonly versions: readonly VersionSummary[];
}

const STATES = {
  head: 'head',
  in_head: 'in the head',
  left_out: 'left out',
  aside: 'refused by the gate',
} as const;

export function VersionsTable({ memory, versions }: VersionsTableProps) {
  return (
    <ScrollBox label={`versions of ${memory}`}>
      <table class="grid">
        <caption class="unseen">Versions of {memory}</caption>
        <thead>
          <tr>
            <th scope="col">version</th>
            <th scope="col" class="text">
              what it learned
            </th>
            <th scope="col" class="text">
              state
            </th>
            <th scope="col">own task, %</th>
            <th scope="col">all tasks, %</th>
            <th scope="col" class="text">
              gate
            </th>
            <th scope="col">made</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one) => (
            <tr
              key={one.commit}
              class={one.state === 'left_out' || one.state === 'aside' ? 'left-out' : undefined}
            >
              <th scope="row">
                <a href={linkTo('memory', memory, 'versions', one.version)}>v{one.version}</a>
              </th>
              <td class="text">
                <bdi>{whatOf(one)}</bdi>
              </td>
              <td class="text">{STATES[one.state]}</td>
              <td>{decimal(one.accuracies[one.task ?? ''] ?? null)}</td>
              <td>{decimal(mean(one))}</td>
              <td class="text">{one.passed === null ? '-' : <Verdict passed={one.passed} />}</td>
              <td>
                <When time={one.time} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

export function whatOf({ kind, task, stage }: VersionSummary): string {
  if (kind === 'root') return 'the beginning';
  if (kind === 'drop') return `without ${task}`;
  return `${task}${stage === null ? '' : `, ${stage}`}`;
}

/** Over the tasks that it holds. */
function mean({ kind, task, accuracies }: VersionSummary): number | null {
  const values = Object.entries(accuracies).flatMap(([name, value]) =>
    value === null || (kind === 'drop' && name === task) ? [] : [value],
  );
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
