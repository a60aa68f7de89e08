import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/run.ts';
import { DataError, Interrupted, UserError } from '../../src/support/errors.ts';

let output: string;
let errors: string;

beforeEach(() => {
  output = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** Runs a program with the commands `train` and `data check`, whose action is `action`. */
function run(args: string[], action: () => void | Promise<void> = () => {}): Promise<number> {
  const commands = [
    (program: Command) => program.command('train').argument('<config>').option('--seed <n>').action(action),
    (program: Command) => program.command('data').command('check').action(action),
  ];
  return runProgram(new Command('lifealign').version('1.2.3'), commands, args);
}

describe('exit codes and messages', () => {
  it('0 when the command is done, with nothing printed', async () => {
    expect(await run(['train', 'c.yaml'])).toBe(0);
    expect(output + errors).toBe('');
  });

  it('0 for --version and --help, on standard output', async () => {
    expect(await run(['--version'])).toBe(0);
    expect(output).toBe('1.2.3\n');
    expect(await run(['train', '--help'])).toBe(0);
    expect(output).toContain('Usage: lifealign train');
    expect(errors).toBe('');
  });

  it.each([
    [['trian'], "lifealign: unknown command 'trian'\n(Did you mean train?)"],
    [['data', 'chek'], "lifealign: unknown command 'chek'\n(Did you mean check?)"],
    [['train'], "lifealign: missing required argument 'config'"],
    [['train', 'c.yaml', '--sed', '1'], "lifealign: unknown option '--sed'\n(Did you mean --seed?)"],
    [['train', 'a', 'b'], 'lifealign: too many arguments'],
    [[], 'Usage: lifealign'],
  ])('2 for bad usage: %j', async (args, message) => {
    expect(await run(args)).toBe(2);
    expect(errors).toContain(message);
    expect(output).toBe('');
  });

  it("a UserError's own code, its message alone", async () => {
    const refuse = (error: Error) => () => Promise.reject(error);
    expect(await run(['train', 'c'], refuse(new DataError({ file: 'f', row: 3 }, 'no "rejected"')))).toBe(2);
    expect(errors).toBe('lifealign: f, row 3: no "rejected"\n');
    expect(await run(['train', 'c'], refuse(new UserError('refused', { exitCode: 3 })))).toBe(3);
  });

  it('1 when interrupted, in one line', async () => {
    const interrupt = () => Promise.reject(new Interrupted('interrupted; continue with --resume'));
    expect(await run(['train', 'c'], interrupt)).toBe(1);
    expect(errors).toBe('lifealign: interrupted; continue with --resume\n');
  });

  it('1 for a defect, with its stack and its cause', async () => {
    const fail = () => {
      throw new TypeError('x is undefined', { cause: new Error('the reason') });
    };
    expect(await run(['train', 'c'], fail)).toBe(1);
    expect(errors).toMatch(/TypeError: x is undefined\n\s+at .*run\.test\.ts/);
    expect(errors).toContain('caused by: Error: the reason');
  });
});
