/** The measurements that have a command of their own, in the order in which `npm run bench` takes them. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { UserError } from '../../src/support/errors.ts';

export const benches = {
  train: 'training/main.ts',
  score: 'scoring/main.ts',
  generate: 'generation/main.ts',
  memory: 'memory/main.ts',
  metrics: 'metrics/main.ts',
  startup: 'startup/main.ts',
  scaling: 'scaling/main.ts',
} as const;

type BenchName = keyof typeof benches;
const benchNames = Object.keys(benches) as readonly BenchName[];

/** `--only`: some of them, with commas between; all where left out. @throws {UserError} for one that is none. */
export function namedBenches(only: string | undefined): readonly BenchName[] {
  if (only === undefined) return benchNames;
  return only.split(',').map((text) => {
    const name = benchNames.find((one) => one === text);
    if (!name) throw new UserError(`--only ${text}: expected some of ${benchNames.join(', ')}`);
    return name;
  });
}

/** Runs one as its command does, with what it says going where ours goes. Returns its exit code. */
export async function runBench(name: BenchName, args: readonly string[]): Promise<number> {
  const script = fileURLToPath(new URL(`../${benches[name]}`, import.meta.url));
  const { exitCode } = await execa(process.execPath, ['--import', 'tsx', script, ...args], {
    reject: false,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return exitCode ?? 1;
}
