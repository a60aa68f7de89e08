/**
 * Do runs with an 8-bit backward pass end where exact ones do? Both over the same seeds, then the differences of
 * final metrics with intervals over seeds.
 *
 *     npx tsx experiments/backward/run.ts tiny --seeds 0,1,2,3,4
 *     npx tsx experiments/backward/run.ts truthful --seeds 0,1,2      (rows: experiments/real/prepare.ts)
 *
 * Runs stand in runs/backward/; one that was broken off goes on, a finished one is not run again. The comparison goes
 * to experiments/backward/results/.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { makeFolder } from '../../src/support/atomic-file.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const backwards = ['int8', 'float32'] as const;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '0,1,2' } },
});
const name = positionals[0] ?? 'tiny';
const seeds = values.seeds.split(',').map((text) => wholeNumber('--seeds', text, 0, 1_000_000));

async function lifealign(args: readonly string[]): Promise<void> {
  await execa(process.execPath, ['bin/lifealign.js', ...args], {
    cwd: repository,
    stdio: ['ignore', process.stderr, process.stderr],
  });
}

const runs: string[] = [];
for (const seed of seeds) {
  for (const backward of backwards) {
    const folder = `runs/backward/${name}-${backward}-${seed}`;
    const settings = [`seed=${seed}`, `backward=${backward}`].flatMap((setting) => ['--set', setting]);
    const output = ['--output-dir', folder, '--resume'];
    process.stderr.write(`\n${folder}\n`);
    await lifealign(['train', `experiments/backward/${name}.yaml`, ...settings, ...output]);
    runs.push(`${backward}=${folder}`);
  }
}
const results = 'experiments/backward/results';
await makeFolder(`${repository}/${results}`);
await lifealign(['compare', '--seeds', ...runs, '--output', `${results}/${name}.md`]);
process.stderr.write(`written: ${results}/${name}.md\n`);
