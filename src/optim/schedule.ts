/**
 * Learning-rate schedules: the factor on the peak learning rate at each optimizer step, with the formulas
 * of transformers' `get_cosine_schedule_with_warmup` and its linear and constant siblings.
 */
export const scheduleNames = ['cosine', 'linear', 'constant'] as const;
export type ScheduleName = (typeof scheduleNames)[number];

export interface ScheduleSettings {
  readonly name: ScheduleName;
  /** Share of the steps, in [0, 1], over which the rate rises linearly from 0. */
  readonly warmupRatio: number;
  readonly totalSteps: number;
}

/** Warm-up steps: the ratio of all steps, rounded up as transformers' Trainer does. */
export function warmupSteps(settings: ScheduleSettings): number {
  return Math.ceil(settings.warmupRatio * settings.totalSteps);
}

/**
 * The factor in [0, 1] at `step`, counted from 0. With a warm-up the very first step has the factor 0: it
 * fills the optimizer's moments and moves nothing. The last step's factor is just above 0.
 */
export function scheduleFactor(settings: ScheduleSettings, step: number): number {
  const warmup = warmupSteps(settings);
  if (step < warmup) return step / warmup;
  const progress = (step - warmup) / Math.max(1, settings.totalSteps - warmup);
  switch (settings.name) {
    case 'constant':
      return 1;
    case 'linear':
      return Math.max(0, 1 - progress);
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }
}
