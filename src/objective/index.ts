/** Every objective by name, and its settings as a config writes them. */
import type * as z from 'zod';
import { UserError } from '../support/errors.ts';
import { didYouMean } from '../support/nearest-name.ts';
import { dpo, dpoSettings } from './dpo.ts';
import { fpo, fpoSettings } from './fpo.ts';
import { hinge, hingeSettings } from './hinge.ts';
import { ipo, ipoSettings } from './ipo.ts';
import { kto, ktoSettings } from './kto.ts';
import type { Objective } from './objective.ts';
import { orpo, orpoSettings } from './orpo.ts';
import { sft, sftSettings } from './sft.ts';
import { simpo, simpoSettings } from './simpo.ts';

const schemas = {
  sft: sftSettings,
  fpo: fpoSettings,
  dpo: dpoSettings,
  ipo: ipoSettings,
  simpo: simpoSettings,
  orpo: orpoSettings,
  kto: ktoSettings,
  hinge: hingeSettings,
};

type Schemas = typeof schemas;
export type ObjectiveName = keyof Schemas;
/** Settings with every default filled in; `name` tells them apart. */
export type ObjectiveSettings = { [Name in ObjectiveName]: z.infer<Schemas[Name]> }[ObjectiveName];

const NAMES = Object.keys(schemas) as readonly ObjectiveName[];

/**
 * Checks settings and fills in defaults; what it returns passes again unchanged.
 * @param at where the settings stand, for messages, for example `stages.preference.objective`
 * @throws {UserError} on an unknown objective or setting, naming the nearest, and on values out of range
 */
export function parseObjectiveSettings(value: unknown, at = 'objective'): ObjectiveSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${at}: expected settings such as {name: fpo, beta: 0.1, gamma: 2}`);
  }
  const name = (value as { name?: unknown }).name;
  if (!NAMES.includes(name as ObjectiveName)) {
    const hint = typeof name === 'string' ? didYouMean(name, NAMES) : '';
    throw new UserError(
      `${at}.name: expected one of ${NAMES.join(', ')}, not ${JSON.stringify(name)}.${hint}`,
    );
  }
  const schema = schemas[name as ObjectiveName];
  const settings = Object.keys(schema.shape);
  const unknown = Object.keys(value).find((key) => !settings.includes(key));
  if (unknown !== undefined) {
    const known = settings.filter((key) => key !== 'name').join(', ') || 'none';
    throw new UserError(
      `${at}.${unknown}: "${name}" has no such setting (its settings: ${known}).${didYouMean(unknown, settings)}`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  throw new UserError(`${[at, ...issue.path].join('.')}: ${issue.message}`);
}

/** The objective with these settings; checks them as `parseObjectiveSettings` does. */
export function createObjective(value: unknown, at?: string): Objective {
  const settings = parseObjectiveSettings(value, at);
  switch (settings.name) {
    case 'sft':
      return sft(settings);
    case 'fpo':
      return fpo(settings);
    case 'dpo':
      return dpo(settings);
    case 'ipo':
      return ipo(settings);
    case 'simpo':
      return simpo(settings);
    case 'orpo':
      return orpo(settings);
    case 'kto':
      return kto(settings);
    case 'hinge':
      return hinge(settings);
  }
}
