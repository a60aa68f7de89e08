/** Folders as finished runs leave them, with numbers made by formulas that tests can work out themselves. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

export interface MadeRun {
  readonly method?: string;
  readonly tasks?: readonly string[];
  readonly seed?: number;
  /** How many of the first tasks are done; all: the run is finished. */
  readonly done?: number;
  /** Names of private tasks. */
  readonly private?: readonly string[];
  /** Names of tasks with a judge; the others have samples. */
  readonly judged?: readonly string[];
  /** Of task `tested` after task `trained`, counted from 0; −1: the base. Of `ROWS` rows. */
  readonly right?: (trained: number, tested: number) => number;
  readonly prompt?: (task: string, row: number) => string;
  readonly reference?: (task: string, row: number) => string;
  readonly answer?: (when: string, task: string, row: number) => string;
  /** Of each stage. */
  readonly steps?: number;
  readonly layers?: number;
  readonly consolidates?: boolean;
}

export const ROWS = 10;
const RANK = 8;
const STAGES = ['sft', 'preference'] as const;

/** Percent of ten rows, falling by a row with every later task. */
export function usualRight(trained: number, tested: number): number {
  return trained < tested ? 4 : Math.max(2, 9 - (trained - tested) - (tested % 3));
}

/** Writes the run below `folder` and returns its path. */
export function makeRun(folder: string, made: MadeRun = {}): string {
  const tasks = made.tasks ?? ['facts', 'voice', 'safety'];
  const { done = tasks.length, right = usualRight, judged = [tasks[0]!], private: isPrivate = [] } = made;
  const { steps = 12, layers = 2, consolidates = true, seed = 0, method = 'lifealign' } = made;
  const answer = made.answer ?? ((when, task, row) => `${when}: an answer to row ${row + 1} of ${task}`);
  const numbered = (task: number) => `${task + 1}-${tasks[task]}`;
  const write = (path: string, content: unknown) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  };

  const hashes = tasks.map((task) => {
    const rows = JSON.stringify(
      Array.from({ length: ROWS }, (_, row) => ({
        query: made.prompt?.(task, row) ?? `What about row ${row + 1} of ${task}?`,
        chosen: made.reference?.(task, row) ?? `The reference of row ${row + 1} of ${task}.`,
        rejected: 'No.',
      })),
    );
    write(`data/${task}-test.json`, rows);
    return { train: 't', test: createHash('sha256').update(rows).digest('hex') };
  });
  write(
    'config.yaml',
    stringify({
      base: 'tiny',
      method,
      tasks: tasks.map((task) => ({
        name: task,
        train: `/data/${task}-train.json`,
        test: join(folder, `data/${task}-test.json`),
        judge: judged.includes(task) ? 'facts' : null,
        private: isPrivate.includes(task),
      })),
      consolidation: consolidates ? { threshold: 0.9, lambda: 0.5 } : null,
      general: { rows: 'builtin:neutral/general' },
      seed,
      provenance: {
        versions: { lifealign: '0.1.0', node: '20.20.2' },
        hashes: { base: 'b', tokenizer: 'k', adapter: null, tasks: hashes },
      },
    }),
  );

  const rowsOf = (trained: number, tested: number) =>
    Array.from({ length: ROWS }, (_, index) => ({
      index,
      chosen_logp: -10,
      rejected_logp: index < right(trained, tested) ? -20 : -5,
      base_chosen_logp: -10,
      base_rejected_logp: index < right(-1, tested) ? -20 : -5,
      chosen_tokens: 5,
      rejected_tokens: 5,
    }));
  const writeAnswers = (moment: string, when: string, trained: number, tested: number) => {
    const task = tasks[tested]!;
    const of = (index: number) => ({ index, answer: answer(when, task, index) });
    if (judged.includes(task)) {
      const rows = Array.from({ length: ROWS }, (_, index) => {
        const score = index < right(trained, tested) ? 100 : 0;
        return isPrivate.includes(task) ? { index, score } : { ...of(index), score };
      });
      write(`${moment}/answers/${numbered(tested)}.json`, rows);
    } else if (!isPrivate.includes(task)) {
      write(`${moment}/samples/${numbered(tested)}.json`, [of(0), of(1), of(2)]);
    }
  };

  tasks.forEach((_, tested) => {
    writeAnswers('base', 'base', -1, tested);
  });
  const log: string[] = [];
  for (let trained = 0; trained < done; trained++) {
    const moment = `tasks/${numbered(trained)}`;
    for (let tested = 0; tested <= trained; tested++) {
      write(`${moment}/scores/${numbered(tested)}.json`, rowsOf(trained, tested));
      const isSampled = tested === trained || trained === tasks.length - 1;
      if (isSampled || judged.includes(tasks[tested]!)) {
        const isEnd = trained === tasks.length - 1;
        writeAnswers(moment, isEnd ? 'end' : trained === tested ? 'learned' : 'between', trained, tested);
      }
    }
    STAGES.forEach((stage, at) => {
      if (consolidates)
        write(`${moment}/consolidation/${stage}.json`, consolidation(layers, 2 * trained + at));
      for (let step = 1; step <= steps; step++) {
        log.push(JSON.stringify(stepLine(tasks[trained]!, stage, step, steps)));
      }
    });
    write(`${moment}/replay.json`, {
      own: 40,
      replayed: tasks.slice(0, trained).map((task) => ({ task, rows: 8 })),
      kept: tasks.slice(0, trained + 1).map((task) => ({ task, rows: 8 })),
    });
    write(`${moment}/general.json`, generalOf(2.1 + trained / 100, trained / 50 - 0.001));
  }
  if (log.length > 0) write('steps.jsonl', `${log.join('\n')}\n`);
  const base = tasks.map((_, tested) => (100 * right(-1, tested)) / ROWS);
  write('matrix.json', { tasks, preference_accuracy: { base, matrix: [] } });
  if (done === tasks.length) write('summary.json', summary(tasks, 2 * steps * done));
  return folder;
}

/** Four conversations of ten tokens, of which some are harder, for the policy as much as for the base. */
function generalOf(loss: number, kl: number) {
  const base = 2;
  const rows = [-3, -1, 1, 3].map((step, index) => ({ index, tokens: 10, step }));
  return {
    loss,
    base_loss: base,
    kl,
    loss_rows: rows.map(({ step, ...row }) => {
      return { ...row, logp: -10 * loss - step, base_logp: -10 * base - step };
    }),
    kl_rows: rows.map(({ step, ...row }) => ({ ...row, logp: 10 * kl + step / 10, base_logp: 0 })),
  };
}

/** The share of the stage's update in old directions is 3 % a stage before it, rising by a tenth with each layer. */
function consolidation(layers: number, stagesBefore: number) {
  const matrices = Array.from({ length: layers }, (_, layer) =>
    ['q_proj.lora_A', 'q_proj.lora_B'].map((module, at) => {
      const values = Array.from({ length: RANK }, (_, place) => (1 + layer) * 10 ** (-place / (3 + at)));
      return {
        name: `base_model.model.model.layers.${layer}.self_attn.${module}.weight`,
        shape: [RANK, 64],
        singular_values: values,
        kept_rank: 3 + at,
        energy: {
          short_term: 1,
          denoised: 0.9,
          parallel: 0.9 * 0.03 * stagesBefore * (1 + layer / 10),
          refined: 0.8,
        },
        history_rows: stagesBefore,
        history_rank: stagesBefore,
      };
    }),
  );
  return { threshold: 0.9, lambda: 0.5, matrices: matrices.flat() };
}

function stepLine(task: string, stage: 'sft' | 'preference', step: number, steps: number) {
  const share = step / steps;
  const isSft = stage === 'sft';
  return {
    task,
    stage,
    step,
    loss: isSft ? 3 - share : 0.69 - share / 4,
    grad_norm: 1,
    'logps/chosen': -10,
    'logps/rejected': isSft ? null : -12,
    'rewards/chosen': isSft ? null : share,
    'rewards/rejected': isSft ? null : 0,
    'rewards/margins': isSft ? null : share,
    'rewards/accuracies': isSft ? null : 50 + 50 * share,
    'focal/mean': isSft ? null : 0.25 - share / 10,
    'focal/min': isSft ? null : 0.2 - share / 10,
    'focal/max': isSft ? null : 0.3,
    learning_rate: 1e-4,
    tokens_per_second: 500,
  };
}

function summary(tasks: readonly string[], steps: number) {
  const counts = { train_cut_prompts: 1, train_skipped_rows: 2, test_cut_prompts: 0, test_skipped_rows: 0 };
  const rows = tasks.map((task) => ({ task, train: 40, test: ROWS, ...counts }));
  return { base: 'tiny', method: 'lifealign', seconds: 90, tasks, steps, tokens: 12345, rows };
}
