/** The demo's runs, one method after another on one open base, and their summary. */
import { join } from 'node:path';
import type { ProgressFactory } from '../../support/progress.ts';
import { answeringBaseOnce } from '../../train/base-answers.ts';
import { resolveRunConfig } from '../../train/config/resolve.ts';
import type { ModelEnvironment } from '../../train/model-environment.ts';
import type { RunSummary, ScoreMatrix } from '../../train/results.ts';
import { runStream } from '../../train/stream.ts';
import { demoConfig } from './config.ts';
import { type DemoMethod, type DemoSettings, demoMethods } from './settings.ts';

export interface DemoSummary {
  readonly base: string;
  readonly seed: number;
  /** Of work, all methods together. */
  readonly seconds: number;
  readonly tasks: readonly string[];
  /** Before training, percent. */
  readonly before: { readonly preference_accuracy: readonly number[]; readonly judge: readonly number[] };
  readonly methods: Readonly<Record<DemoMethod, MethodSummary>>;
}

interface MethodSummary {
  readonly seconds: number;
  readonly preference_accuracy: Scores;
  readonly judge: Scores;
}

type Scores = Pick<ScoreMatrix, 'matrix' | 'last' | 'bwt' | 'ap'>;

export interface DemoOptions {
  readonly base: string;
  readonly settings: DemoSettings;
  readonly seed: number;
  readonly model: ModelEnvironment;
  readonly outputFolder: string;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  readonly progress: ProgressFactory;
  readonly log: (line: string) => void;
}

export async function runDemo(options: DemoOptions): Promise<DemoSummary> {
  const { base, settings, seed, outputFolder, log } = options;
  const model = { ...options.model, answer: answeringBaseOnce(options.model.answer) };
  const summaries = new Map<DemoMethod, RunSummary>();
  for (const [at, method] of demoMethods.entries()) {
    log(`\nmethod ${at + 1} of ${demoMethods.length}: ${method}`);
    const origin = { file: `demo (${method})`, folder: process.cwd() };
    const config = await resolveRunConfig(demoConfig(base, method, settings, { seed }), origin);
    const { signal, progress, resume } = options;
    const folder = join(outputFolder, method);
    summaries.set(
      method,
      await runStream(config, { ...model, outputFolder: folder, resume, signal, progress, log }),
    );
  }
  const all = [...summaries.values()];
  const first = all[0] as RunSummary;
  return {
    base,
    seed,
    seconds: all.reduce((sum, { seconds }) => sum + seconds, 0),
    tasks: first.tasks,
    before: {
      preference_accuracy: baseScores(first.preference_accuracy),
      judge: baseScores(first.judge),
    },
    methods: Object.fromEntries(
      [...summaries].map(([method, summary]) => [method, methodSummary(summary)]),
    ) as Record<DemoMethod, MethodSummary>,
  };
}

function methodSummary({ seconds, preference_accuracy, judge }: RunSummary): MethodSummary {
  const scores = ({ matrix, last, bwt, ap }: ScoreMatrix): Scores => ({ matrix, last, bwt, ap });
  if (!judge) throw new Error('every task of the demo has a judge');
  return { seconds, preference_accuracy: scores(preference_accuracy), judge: scores(judge) };
}

function baseScores(scores: ScoreMatrix | undefined): readonly number[] {
  return (scores?.base ?? []).map((score) => score ?? Number.NaN);
}
