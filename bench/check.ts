/**
 * Whether we are still as fast beside other programs as was recorded on a machine like this one: short forms, a line
 * for each ratio. Exit code 1 where one has fallen by more than 15 %, or a measurement failed.
 *
 *     npm run bench:check -- [--only score,metrics]
 *
 * What it is held against is recorded with `npm run bench -- --short --record`.
 */
import { UserError } from '../src/support/errors.ts';
import { parseJsonFile } from '../src/support/json.ts';
import { namedBenches, runBench } from './shared/benches.ts';
import { checkRatios, TOLERANCE } from './shared/check.ts';
import { type LastResult, lastResultFile, readFlags, runCommand } from './shared/command.ts';
import { readHistory } from './shared/history.ts';

async function main(): Promise<void> {
  const { only } = readFlags({ only: { type: 'string' } });
  const history = await readHistory();
  const problems: string[] = [];
  for (const bench of namedBenches(only)) {
    if ((await runBench(bench, ['--short'])) !== 0) {
      problems.push(`bench:${bench} failed`);
      continue;
    }
    const result = (await parseJsonFile(lastResultFile(bench))) as LastResult;
    const verdicts = checkRatios({ bench, ...result }, history);
    if (verdicts.every(({ recorded }) => recorded === null)) {
      process.stderr.write(`bench:${bench}: no record for this machine (${result.machine})\n`);
      continue;
    }
    for (const { name, fresh, recorded, hasFallen } of verdicts) {
      const before = recorded === null ? 'no record for this machine' : `recorded ${recorded.toFixed(2)}`;
      process.stderr.write(`${hasFallen ? 'FELL ' : '     '}${name}: ${fresh.toFixed(2)}, ${before}\n`);
      if (hasFallen) problems.push(`${name} fell from ${recorded!.toFixed(2)} to ${fresh.toFixed(2)}`);
    }
  }
  if (problems.length === 0) return;
  const percent = `${100 * TOLERANCE} %`;
  throw new UserError(`more than ${percent} below the record:\n${problems.join('\n')}`, { exitCode: 1 });
}

await runCommand(main);
