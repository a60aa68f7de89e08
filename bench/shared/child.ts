/**
 * One measurement is one process: nothing that an earlier one left in memory, in a thread pool or in a cache
 * of compiled code helps or hinders the next. A child reads its request, JSON, from standard input and prints its
 * report as the last line of standard output.
 */
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExecaError, execa } from 'execa';
import { oraclePython, type Requirements } from '../../test/parity/environment.ts';
import { watchPhysicalMemory } from './physical.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const PYTHON_MODULES = fileURLToPath(new URL('.', import.meta.url));

/** What every child reports; a measurement adds its own. */
export interface ChildReport {
  /** Of the work that is measured, in seconds. */
  readonly seconds: number;
  readonly peakResidentBytes: number;
  /** Of the programs at work, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

export type Measured<Report extends ChildReport> = Report & {
  /** Starting the process, importing its modules, loading the model: all but the work. */
  readonly startSeconds: number;
  /** The most that was seen once a second; see physical.ts. */
  readonly peakPhysicalBytes: number | null;
};

/** Runs a TypeScript file of this repository. */
export function measureNode<Report extends ChildReport>(
  script: URL,
  request: object,
): Promise<Measured<Report>> {
  return measure(process.execPath, ['--import', 'tsx', fileURLToPath(script)], request, {});
}

/** Runs a Python file in an environment of the parity tests; the first run ever installs its packages. */
export async function measurePython<Report extends ChildReport>(
  script: URL,
  request: { readonly threads: number },
  requirements?: Requirements,
): Promise<Measured<Report>> {
  const env = {
    PYTHONPATH: [PYTHON_MODULES, process.env['PYTHONPATH']].filter(Boolean).join(delimiter),
    PYTHONWARNINGS: 'ignore',
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_VERBOSITY: 'error',
    TOKENIZERS_PARALLELISM: 'false',
    OMP_NUM_THREADS: String(request.threads),
  };
  return measure(await oraclePython(requirements), [fileURLToPath(script)], request, env);
}

async function measure<Report extends ChildReport>(
  program: string,
  args: readonly string[],
  request: object,
  env: Readonly<Record<string, string>>,
): Promise<Measured<Report>> {
  const start = performance.now();
  const options = { env, input: JSON.stringify(request) };
  let peak = (): number | null => null;
  const watch = (pid: number | undefined) => {
    peak = watchPhysicalMemory(pid);
  };
  const { stdout } = await run(program, args, options, watch).finally(() => peak());
  const wallSeconds = (performance.now() - start) / 1000;
  const report = JSON.parse(stdout.trimEnd().split('\n').at(-1) as string) as Report;
  return { ...report, startSeconds: wallSeconds - report.seconds, peakPhysicalBytes: peak() };
}

/** Runs a command in the repository; `begun` is told its process's id. @throws with the end of what it said on standard error if it fails. */
export async function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
  begun: (pid: number | undefined) => void = () => {},
): Promise<{ readonly stdout: string }> {
  try {
    const child = execa(program, args, { cwd: REPOSITORY, ...options });
    begun(child.pid);
    return await child;
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new Error(
      `${program} ${args[0]}: exit code ${error.exitCode}\n${String(error.stderr).slice(-3000)}`,
    );
  }
}
