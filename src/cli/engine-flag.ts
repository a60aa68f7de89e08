/** `--engine`: a name, or a mapping with settings, written as in a run's config. */
import type { EngineSettings } from '../engine/settings.ts';
import { UserError } from '../support/errors.ts';

export const ENGINE_HELP =
  'ort or torch, or with settings such as "{name: torch, dtype: bfloat16}" (default: ort)';

/** @throws {UserError} naming what is unknown or out of range */
export async function engineOf(flag: string | undefined): Promise<{ engine?: EngineSettings }> {
  if (flag === undefined) return {};
  const { parse } = await import('yaml');
  const { parseEngineSettings } = await import('../engine/settings.ts');
  let value: unknown;
  try {
    value = parse(flag);
  } catch (error) {
    throw new UserError(`--engine ${flag}: not valid YAML: ${(error as Error).message}`);
  }
  return { engine: parseEngineSettings(value, '--engine') };
}
