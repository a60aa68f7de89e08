/** The demo's settings as the config of a run. */
import { builtinTasks } from '../../data/builtin/index.ts';
import type { DemoMethod, DemoSettings } from './settings.ts';

export interface StreamOptions {
  readonly seed: number;
  /** Which rows the tasks are measured on: `test` to report, `validation` to choose settings. */
  readonly split?: 'test' | 'validation';
}

/** The run's config as a config file would have it. */
export function demoConfig(
  base: string,
  method: DemoMethod | 'stl',
  settings: DemoSettings,
  { seed, split = 'test' }: StreamOptions,
) {
  const { sft, preference } = settings.rates[method];
  const stage = { batch_size: settings.batchSize };
  const hasReplay = method === 'lifealign' || method === 'er';
  return {
    base,
    method,
    seed,
    lora: { ...settings.lora, targets: [...settings.lora.targets] },
    tasks: builtinTasks.map(({ name }) => ({
      name,
      judge: name,
      train: `builtin:${name}/train?seed=${seed}`,
      test: `builtin:${name}/${split}?seed=${seed}`,
      train_rows: settings.trainRows,
      test_rows: settings.testRows,
    })),
    stages: {
      sft: { ...stage, epochs: settings.epochs.sft, learning_rate: sft },
      preference: { ...stage, epochs: settings.epochs.preference, learning_rate: preference },
    },
    ...(hasReplay ? { replay: { ...settings.replay } } : {}),
    generation: { max_new_tokens: settings.maxNewTokens },
    ...(base === 'tiny' ? { general: { rows: 'builtin:neutral/everyday' } } : {}),
    max_length: 256,
  };
}
