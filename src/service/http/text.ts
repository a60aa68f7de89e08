/** Texts that are stored. A zero byte is none in PostgreSQL: it is refused whatever the database is. */
import * as z from 'zod';
import { invalid } from '../api-error.ts';

const ZERO_BYTE = 'a zero byte cannot be part of it';

export const storedText = () => z.string().refine((text) => !text.includes('\0'), { error: ZERO_BYTE });

/** @throws {ApiError} 400 naming the value that has one */
export function refuseZeroBytes(values: Readonly<Record<string, unknown>>): void {
  const found = Object.entries(values).find(([, value]) => typeof value === 'string' && value.includes('\0'));
  if (found) throw invalid(`${found[0].slice(0, 100).replaceAll('\0', '')}: ${ZERO_BYTE}`);
}
