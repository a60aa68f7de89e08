/** `lifealign memory log`: the versions of a memory, or with `--moves` where its head has been. */
import type { Command } from 'commander';
import { decimal } from '../../../eval/number-text.ts';
import type { CommitMetrics } from '../../../memory/store/records.ts';
import type { Standing } from '../../../memory/store/standing.ts';
import type { Commit, MemoryStore } from '../../../memory/store/store.ts';
import {
  type MemoryFlags,
  memoryCommand,
  print,
  printJson,
  shortHash,
  shortTime,
  textTable,
} from '../../memory-command.ts';

interface LogFlags extends MemoryFlags {
  readonly moves?: true;
  readonly json?: true;
}

export function registerMemoryLog(program: Command): void {
  memoryCommand(program, 'log')
    .description('list the versions of a memory, newest first')
    .option('--moves', 'list where the head has been instead')
    .option('--json', 'as a JSON object')
    .action(log);
}

async function log({ memory, moves, json }: LogFlags): Promise<void> {
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const store = await MemoryStore.open(memory);
  if (moves) await logMoves(store, json === true);
  else await logVersions(store, json === true);
}

const BESIDE: Readonly<Partial<Record<Standing, string>>> = {
  'left out': '(not in the head)',
  aside: '(kept aside: refused by the gate)',
};

async function logVersions(store: MemoryStore, json: boolean): Promise<void> {
  const { standings } = await import('../../../memory/store/standing.ts');
  const { commit: head } = await store.head();
  const versions = [...(await store.versions())].reverse();
  const stateOf = await standings(store, head);
  const metrics = await Promise.all(versions.map((commit) => store.metrics(commit)));
  if (json) {
    const listed = versions.map((commit, at) => ({
      version: commit.number,
      commit: commit.hash,
      parent: commit.parent,
      kind: commit.kind,
      task: commit.task,
      stage: commit.stage,
      time: commit.time,
      state: stateOf(commit).replace(' ', '_'),
      metrics: metrics[at],
      note: commit.note,
    }));
    printJson({ memory: store.folder, head: head.number, versions: listed });
    return;
  }
  const rows = versions.map((commit, at) => [
    `${stateOf(commit) === 'head' ? '*' : ' '} ${commit.number}`,
    shortHash(commit.hash),
    commit.kind === 'drop' ? `without ${commit.task}` : (commit.task ?? 'root'),
    commit.stage ?? '',
    shortTime(commit.time),
    ...accuracies(commit, metrics[at] ?? null),
    `${BESIDE[stateOf(commit)] ?? ''} ${commit.note}`.trim(),
  ]);
  print(
    textTable([
      ['version', 'commit', 'task', 'stage', 'time (UTC)', 'own task', 'all tasks', 'note'],
      ...rows,
    ]),
  );
}

/** Preference accuracy after the commit, %: on its own task, and the mean over all that it holds. */
function accuracies({ kind, task }: Commit, metrics: CommitMetrics | null): string[] {
  const values = Object.entries(metrics?.after ?? {}).map(
    ([name, scores]) => [name, scores.preference_accuracy] as const,
  );
  const isHeld = (name: string) => kind !== 'drop' || name !== task;
  const known = values.flatMap(([name, value]) => (value !== null && isHeld(name) ? [value] : []));
  const mean = known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  return [decimal(values.find(([name]) => name === task)?.[1] ?? null), decimal(mean)];
}

async function logMoves(store: MemoryStore, json: boolean): Promise<void> {
  const versions = new Map((await store.versions()).map((commit) => [commit.hash, commit.number]));
  const moves = [];
  for await (const { number, time, action, head, added, note } of store.entries()) {
    moves.push({
      move: number,
      time,
      action,
      head: versions.get(head)!,
      added: added.map((hash) => versions.get(hash)!),
      note,
    });
  }
  if (json) printJson({ memory: store.folder, moves });
  else {
    const rows = moves.map(({ move, time, action, head, added, note }) => [
      String(move),
      shortTime(time),
      action,
      String(head),
      added.join(', '),
      note,
    ]);
    print(textTable([['move', 'time (UTC)', 'action', 'head', 'new versions', 'note'], ...rows]));
  }
}
