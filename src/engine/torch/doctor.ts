/** What a Python environment has of what the torch engine needs, and why something is missing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import * as z from 'zod';
import { UserError } from '../../support/errors.ts';
import { findPython, PYTHON_VARIABLE, workerFolder, workerPackage } from './python.ts';

const report = z.object({
  python: z.string(),
  packages: z.record(
    z.string(),
    z.object({ version: z.string().optional(), problem: z.string().optional() }),
  ),
  cuda_build: z.string().nullish(),
  gpus: z.array(z.string()).default([]),
  threads: z.int().optional(),
  distributed: z.boolean().default(false),
});

export interface Finding {
  readonly name: string;
  /** `missing` keeps the engine from working; `note` does not. */
  readonly state: 'ok' | 'missing' | 'note';
  readonly detail: string;
}

/** Looks into the environment that the engine would use, or that of a given Python. */
export async function examineTorch(given?: string): Promise<readonly Finding[]> {
  let python: string;
  try {
    python = given ?? (await findPython());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ name: 'python', state: 'missing', detail: error.message }];
  }
  const asked = await execa(python, ['-m', 'lifealign_worker.doctor'], {
    env: { PYTHONPATH: workerPackage },
    reject: false,
  });
  const parsed = report.safeParse(asked.exitCode === 0 ? JSON.parse(asked.stdout) : undefined);
  if (!parsed.success) {
    const said = asked.failed ? (asked.stderr || asked.shortMessage || '').trim().slice(-500) : asked.stdout;
    return [{ name: 'python', state: 'missing', detail: `${python} cannot tell what it has: ${said}` }];
  }
  const { packages, gpus, cuda_build: cuda, threads, distributed } = parsed.data;
  const source = process.env[PYTHON_VARIABLE] === python ? `, named by ${PYTHON_VARIABLE}` : '';
  const findings: Finding[] = [pythonFinding(parsed.data.python, `${python}${source}`)];
  const { required, optional } = await lockedVersions();
  for (const [name, version] of Object.entries(required)) {
    findings.push(packageFinding(name, version, packages[name]));
  }
  for (const [name, version] of Object.entries(optional)) {
    findings.push(optionalFinding(packageFinding(name, version, packages[name])));
  }
  if (packages['torch']?.version === undefined) return findings;
  findings.push(gpuFinding(gpus, cuda ?? null, threads));
  findings.push(
    distributed
      ? { name: 'several ranks', state: 'ok', detail: 'torch.distributed is there' }
      : { name: 'several ranks', state: 'note', detail: 'this torch is built without torch.distributed' },
  );
  return findings;
}

type Versions = Readonly<Record<string, string>>;

/**
 * The versions that conformance is shown for, from the worker's pyproject.toml: of what the engine needs, and of
 * what only quantization does.
 */
export async function lockedVersions(): Promise<{
  readonly required: Versions;
  readonly optional: Versions;
}> {
  const text = await readFile(join(workerFolder, 'pyproject.toml'), 'utf8');
  const versionsAfter = (key: string): Versions => {
    const list = new RegExp(`^${key} = \\[(.*)\\]$`, 'm').exec(text)?.[1] ?? '';
    const all = list.matchAll(/"([a-z]+)==([\d.]+)"/g);
    return Object.fromEntries(Array.from(all, ([, name, version]) => [name!, version!]));
  };
  return { required: versionsAfter('dependencies'), optional: versionsAfter('quantization') };
}

function pythonFinding(version: string, where: string): Finding {
  const [major, minor] = version.split('.').map(Number) as [number, number];
  const isNew = major > 3 || (major === 3 && minor >= 11);
  const name = 'python';
  return isNew
    ? { name, state: 'ok', detail: `${version}, ${where}` }
    : { name, state: 'missing', detail: `${version}, ${where}; the worker needs 3.11 or newer` };
}

function packageFinding(
  name: string,
  locked: string,
  found: { version?: string | undefined; problem?: string | undefined } | undefined,
): Finding {
  if (found?.version === undefined) {
    return { name, state: 'missing', detail: found?.problem ?? 'is not installed' };
  }
  const [plain] = found.version.split('+');
  return plain === locked
    ? { name, state: 'ok', detail: found.version }
    : { name, state: 'note', detail: `${found.version}; shown to work: ${locked}` };
}

/** The engine works without it. */
function optionalFinding({ name, state, detail }: Finding): Finding {
  if (state !== 'missing') return { name, state, detail };
  const advice = 'only quantization needs it: lifealign engine install torch --quantization';
  return { name, state: 'note', detail: `${detail}; ${advice}` };
}

function gpuFinding(gpus: readonly string[], cuda: string | null, threads: number | undefined): Finding {
  const name = 'gpu';
  if (gpus.length > 0) return { name, state: 'ok', detail: gpus.join(', ') };
  const why = cuda === null ? 'this torch is built without CUDA' : `CUDA ${cuda} finds none`;
  return { name, state: 'note', detail: `none: ${why}; models run on ${threads ?? '?'} processor threads` };
}
