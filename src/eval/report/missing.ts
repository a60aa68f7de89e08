/** What a report lacks because the run did not record it, or has not come so far: said, never guessed. */

import { stageNames } from './record/files.ts';
import type { RunRecord } from './record/run.ts';
import { tasksReached } from './scores.ts';

export const parts = ['run', 'scores', 'general', 'steps', 'consolidation', 'replay', 'answers'] as const;
export type Part = (typeof parts)[number];

export interface Missing {
  readonly part: Part;
  readonly text: string;
  /** Not wanted by the configuration, rather than lost or still to come. */
  readonly isOff: boolean;
}

export function missingOf(run: RunRecord): Missing[] {
  const { config, summary, steps, tasks, results, answers } = run;
  const reached = tasksReached(run);
  const say = (part: Part, lacks: boolean, text: string): Missing[] =>
    lacks ? [{ part, text, isOff: false }] : [];
  const off = (part: Part, isOff: boolean, text: string): Missing[] => (isOff ? [{ part, text, isOff }] : []);
  const lacking = (has: (task: number) => boolean) =>
    listed(results.tasks.slice(0, reached).filter((_, task) => !has(task)));

  const isFinished = summary !== null;
  const unscored = lacking((task) => results.scores[task]![task] !== null);
  const unmeasured = config['general'] === null ? '' : lacking((task) => results.general[task] !== null);
  const unreplayed = lacking((task) => tasks[task]!.replay !== null);
  const consolidates = config['consolidation'] !== null && config['consolidation'] !== undefined;
  const unconsolidated = lacking((task) =>
    stageNames.some((stage) => tasks[task]!.consolidation[stage] !== null),
  );
  const replays = config['replay'] !== null;
  // Answers are asked for where there is a judge, or, as samples, where their number is not 0.
  const isAnswered = (task: number) => config.tasks[task]!.judge != null || config.generation?.samples !== 0;
  const unanswered = lacking(
    (task) =>
      config.tasks[task]!.private ||
      !isAnswered(task) ||
      Object.values(answers[task]!).some((moment) => moment !== null),
  );
  return [
    ...say(
      'run',
      !isFinished,
      `not finished (no summary.json): ${reached} of ${results.tasks.length} tasks are measured`,
    ),
    ...say('scores', reached === 0, 'no test row has been scored yet'),
    ...say('scores', unscored !== '', `no scores of its own test rows after ${unscored}`),
    ...off('general', config['general'] === null, 'general ability is turned off in its configuration'),
    ...say('general', unmeasured !== '', `no general.json after ${unmeasured}`),
    ...say('steps', steps.length === 0, 'no steps.jsonl, or no step in it'),
    ...off(
      'consolidation',
      !consolidates,
      'its configuration has no consolidation: updates are kept as they are',
    ),
    ...say('consolidation', consolidates && unconsolidated !== '', `no record after ${unconsolidated}`),
    ...off('replay', !replays, 'its configuration has no replay'),
    ...say('replay', replays && unreplayed !== '', `no replay.json after ${unreplayed}`),
    ...say('answers', unanswered !== '', `no answers to the test prompts of ${unanswered}`),
  ];
}

const MOST_NAMES = 8;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more tasks`;
}
