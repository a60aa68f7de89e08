/** Which engine computes, and its settings, as a run's config or the command line says it. */
import * as z from 'zod';
import { basePrecision } from '../model/base-precision.ts';
import { UserError } from '../support/errors.ts';
import { torchSettings } from './torch/settings.ts';

export const engineSettings = z.discriminatedUnion(
  'name',
  [z.strictObject({ name: z.literal('ort') }), torchSettings],
  { error: 'expected an engine, ort or torch' },
);

/** With every default filled in. */
export type EngineSettings = z.output<typeof engineSettings>;

/** In what numbers such an engine holds the base, as `Engine.precision`. */
export function enginePrecision(settings: EngineSettings): string {
  return settings.name === 'torch'
    ? basePrecision(settings.dtype, settings.quantization)
    : basePrecision('float32');
}

/** A name alone means that engine's defaults; everything else passes as it is. */
export function withEngineName(value: unknown): unknown {
  return typeof value === 'string' ? { name: value } : value;
}

/**
 * @param at where the settings stand, for messages, for example `--engine`
 * @throws {UserError} naming the setting that is unknown or out of range
 */
export function parseEngineSettings(value: unknown, at: string): EngineSettings {
  const parsed = engineSettings.safeParse(withEngineName(value));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const known = `; known: ${Object.keys(torchSettings.shape).join(', ')}`;
  throw new UserError(
    `${[at, ...issue.path].join('.')}: ${issue.message}${issue.code === 'unrecognized_keys' ? known : ''}`,
  );
}
