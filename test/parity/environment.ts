/**
 * The oracle's Python: a virtual environment with the exact versions of a requirements file, made once per
 * content of that file and kept in the cache folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cacheFolder } from '../../src/support/cache-folder.ts';
import { sha256 } from '../../src/support/hash.ts';

const HERE = dirname(fileURLToPath(import.meta.url));

/** This folder's lists of packages: torch and what stands on it, three of few megabytes, and llama.cpp. */
export type Requirements =
  | 'requirements.txt'
  | 'requirements-text.txt'
  | 'requirements-tensorboard.txt'
  | 'requirements-openai.txt'
  | 'requirements-llama.txt';

/** llama.cpp's library and nothing around it; the compiler's jobs are bounded by the machine's processors. */
const BUILD = {
  CMAKE_ARGS: '-DMTMD_BUILD=OFF -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_EXAMPLES=OFF',
  CMAKE_BUILD_PARALLEL_LEVEL: `${availableParallelism()}`,
};

/**
 * The environment's interpreter; the first call takes minutes. `PYTHON` names the one to start from. Where nothing can
 * be installed, `LIFEALIGN_ORACLE_PYTHON` names an interpreter to use as it is, whatever its packages' versions.
 */
export async function oraclePython(requirements: Requirements = 'requirements.txt'): Promise<string> {
  const named = process.env['LIFEALIGN_ORACLE_PYTHON'];
  if (named) return named;
  const list = join(HERE, requirements);
  const hash = sha256([readFileSync(list)]).slice(0, 16);
  const folder = join(cacheFolder(), 'oracles', hash);
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  process.stderr.write(`Making the oracle's Python environment in ${folder} ...\n`);
  // What a broken-off installation left can't be told from a whole one.
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  await execa(process.env['PYTHON'] ?? 'python3', ['-m', 'venv', folder]);
  await execa(python, ['-m', 'pip', 'install', '--quiet', '-r', list], { stdio: 'inherit', env: BUILD });
  await writeFile(complete, '');
  return python;
}

/** Runs one of this folder's scripts and returns what it prints; its messages are shown only when it fails. */
export async function runOracle(script: string, ...args: readonly string[]): Promise<string> {
  const env = { HF_HUB_OFFLINE: '1', TRANSFORMERS_VERBOSITY: 'error', PYTHONWARNINGS: 'ignore' };
  const { stdout } = await execa(await oraclePython(), [join(HERE, script), ...args], { env });
  return stdout;
}
