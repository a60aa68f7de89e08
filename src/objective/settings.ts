/** Ranges of the settings that several objectives share. */
import * as z from 'zod';

/** The inverse temperature of the implied reward beta · log-ratio. */
export const beta = z.number().positive();

export const nonNegative = z.number().nonnegative();

/** How likely a pair's label is taken to be the wrong way round; at 0.5 labels would say nothing. */
export const labelSmoothing = z.number().nonnegative().lt(0.5).default(0);

/** Equal settings, equal key: what compiled graphs are kept by. */
export function settingsKey(settings: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));
}
