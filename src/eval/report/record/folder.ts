/** Names in a run's folder, and files there that may be missing. */
import { existsSync } from 'node:fs';
import type * as z from 'zod';
import { readRunJson } from '../../run-file.ts';
import type { ConfigFile } from './files.ts';

/** Of a task counted from 0: folders and files count from 1. */
export function numberedName({ tasks }: ConfigFile, task: number): string {
  return `${task + 1}-${tasks[task]!.name}`;
}

/** `null` where there is no such file. @throws {DataError} naming one that is not what a run writes. */
export async function readIfThere<T>(schema: z.ZodType<T>, file: string): Promise<T | null> {
  return existsSync(file) ? readRunJson(schema, file) : null;
}
