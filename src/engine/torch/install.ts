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
  /** With bitsandbytes, which bases in 4 or 8 bits need; an environment that is there already gains it. */
  readonly quantization?: boolean;
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
  const {
    device,
    quantization = false,
    torchIndex,
    python = 'python3',
    force = false,
    log,
    signal,
  } = options;
  const folder = environmentFolder();
  const interpreter = environmentPython();
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
  const installList = (name: string) => {
    const list = join(workerFolder, `requirements-${name}.txt`);
    return run(`installing ${list}`, interpreter, ...pip, '--require-hashes', '-r', list);
  };
  if (existsSync(join(folder, COMPLETE)) && !force) {
    log(`${folder} is there already; --force makes it afresh`);
    if (quantization) {
      await installList('quantization');
      await checkOptional(interpreter);
    }
    return interpreter;
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await run(`making ${folder}`, python, '-m', 'venv', folder);
  await installList(device);
  if (quantization) await installList('quantization');
  const { required: versions } = await lockedVersions();
  if (device === 'cpu') {
    const { torch } = versions;
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
  if (quantization) await checkOptional(interpreter);
  await writeJsonFile(join(folder, COMPLETE), { device, versions });
  return interpreter;
}

/** @throws {UserError} where what was installed beside does not load */
async function checkOptional(interpreter: string): Promise<void> {
  const { optional } = await lockedVersions();
  const found = (await examineTorch(interpreter)).find(
    ({ name, state }) => name in optional && state !== 'ok',
  );
  if (found) throw new UserError(`${found.name}: ${found.detail}`, { exitCode: 1 });
}
