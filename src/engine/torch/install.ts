/** Makes the environment that the worker runs in: a virtual environment with locked versions. */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { writeJsonFile } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { examineTorch, lockedVersions } from './doctor.ts';
import { COMPLETE, environmentFolder, environmentPython, workerFolder } from './python.ts';

export interface InstallOptions {
  /** `cuda`: torch with CUDA's libraries, all hashes checked; `cpu`: a torch without them. */
  readonly device: 'cpu' | 'cuda';
  /** Where pip looks for a torch without CUDA, beside where it looks anyway. */
  readonly torchIndex?: string;
  /** What the environment is made from; `python3` by default. */
  readonly python?: string;
  /** Makes it afresh where there is one. */
  readonly force?: boolean;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Returns the environment's Python. An installation that was broken off is made afresh.
 * @throws {UserError} saying which step failed; what it has to say is on standard error
 */
export async function installTorch(options: InstallOptions): Promise<string> {
  const { device, torchIndex, python = 'python3', force = false, log, signal } = options;
  const folder = environmentFolder();
  const interpreter = environmentPython();
  if (existsSync(join(folder, COMPLETE)) && !force) {
    log(`${folder} is there already; --force makes it afresh`);
    return interpreter;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  const run = async (what: string, program: string, ...args: string[]) => {
    log(`${what} ...`);
    const done = await execa(program, args, {
      // Results alone go to standard output.
      stdout: process.stderr,
      stderr: 'inherit',
      reject: false,
      ...(signal ? { cancelSignal: signal } : {}),
    });
    signal?.throwIfAborted();
    if (done.failed) throw new UserError(`${what}: ${done.shortMessage}`, { exitCode: 1 });
  };
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps'];
  const list = join(workerFolder, `requirements-${device}.txt`);
  await run(`making ${folder}`, python, '-m', 'venv', folder);
  await run(`installing ${list}`, interpreter, ...pip, '--require-hashes', '-r', list);
  if (device === 'cpu') {
    const { torch } = await lockedVersions();
    const index = torchIndex === undefined ? [] : ['--extra-index-url', torchIndex];
    await run(`installing torch ${torch}`, interpreter, ...pip, ...index, `torch==${torch}`);
  }
  const missing = (await examineTorch(interpreter)).find(({ state }) => state === 'missing');
  if (missing) {
    const advice =
      missing.name === 'torch' && device === 'cpu'
        ? '; a build that needs CUDA was found: --torch-index names an index of builds without it, --device cuda installs its libraries'
        : '';
    throw new UserError(`${missing.name}: ${missing.detail}${advice}`, { exitCode: 1 });
  }
  await writeJsonFile(join(folder, COMPLETE), { device, versions: await lockedVersions() });
  return interpreter;
}
