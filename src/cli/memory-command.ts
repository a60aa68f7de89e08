/** What the `memory` commands share: the group, the flags that say which memory and how long to wait, tables. */
import type { Command } from 'commander';
import type { LockMemoryOptions, MemoryWriter } from '../memory/store/writer.ts';
import { wholeNumber } from './whole-number.ts';

export interface MemoryFlags {
  readonly memory: string;
}

export interface WriterFlags extends MemoryFlags {
  readonly wait: string;
}

/** A command of the group that reads a memory. */
export function memoryCommand(program: Command, nameAndArguments: string): Command {
  const group =
    program.commands.find((command) => command.name() === 'memory') ??
    program
      .command('memory')
      .description('a versioned long-term memory: "memory init" makes one, "learn" appends tasks to it');
  return group.command(nameAndArguments).option('--memory <folder>', "the memory's folder", 'memory');
}

/** One that changes it. */
export function writingCommand(program: Command, nameAndArguments: string): Command {
  return memoryCommand(program, nameAndArguments).option(
    '--wait <seconds>',
    'how long to wait for another process that is at work there',
    '0',
  );
}

/** Takes the memory for `work`. @throws {UserError} naming the process that is at work there. */
export async function withMemory<T>(
  { memory, wait }: WriterFlags,
  work: (writer: MemoryWriter) => Promise<T>,
): Promise<T> {
  const { lockMemory } = await import('../memory/store/writer.ts');
  const writer = await lockMemory(memory, lockOptions(wait));
  try {
    return await work(writer);
  } finally {
    writer.release();
  }
}

function lockOptions(wait: string): LockMemoryOptions {
  return { wait: wholeNumber('--wait', wait, 0, 1_000_000), log: say };
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Results as programs read them. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The digits of a hash that people need to tell one from another. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/** `time` to the minute, in UTC, as people read it. */
export function shortTime(time: string): string {
  return time.slice(0, 16).replace('T', ' ');
}

/** Cells under each other, each column as wide as its widest; numbers stand at the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isNumber = widths.map((_, column) =>
    rows.slice(1).every((row) => /^(-?[\d.]+|-|)$/.test(row[column]!)),
  );
  const cell = (text: string, column: number) =>
    isNumber[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** `3 rows`, `1 row`. */
export function amount(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
