/**
 * Every measurement, one after another; one that fails does not keep the others from being taken.
 *
 *     npm run bench -- [--short] [--record] [--resume] [--only train,score]
 */
import { UserError } from '../src/support/errors.ts';
import { namedBenches, runBench } from './shared/benches.ts';
import { readFlags, runCommand } from './shared/command.ts';

async function main(): Promise<void> {
  const flags = readFlags({
    short: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    only: { type: 'string' },
  });
  const args = (['short', 'record', 'resume'] as const)
    .filter((name) => flags[name])
    .map((name) => `--${name}`);
  const failed: string[] = [];
  for (const name of namedBenches(flags.only)) {
    process.stderr.write(`\nbench:${name}\n`);
    if ((await runBench(name, args)) !== 0) failed.push(name);
    process.stdout.write('\n');
  }
  if (failed.length > 0) throw new UserError(`failed: ${failed.join(', ')}`, { exitCode: 1 });
}

await runCommand(main);
