/** `lifealign models pull` and `models list`: base models in the user's cache. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { PulledName } from '../../model/names.ts';
import type { CachedModel, ModelSource } from '../../model/weights/model-cache.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';

interface PullFlags {
  readonly hub?: string;
  readonly refresh?: true;
}

interface ListFlags {
  readonly json?: true;
  readonly verify?: true;
}

/** One line of the list, and one object of `--json`. */
interface ListedModel {
  readonly names: readonly string[];
  readonly bytes: number;
  readonly source: ModelSource;
  readonly path: string;
  /** With `--verify`: what is wrong with its files, `null` if nothing is. */
  readonly damage?: string | null;
}

export function registerModels(program: Command): void {
  const models = program.command('models').description('base models in the local cache');
  models
    .command('pull')
    .description('bring a model into the cache; prints its folder')
    .argument('<name>', 'smollm2-135m-instruct, or owner/name[@revision] on the Hugging Face Hub')
    .option('--hub <address>', 'another hub than HF_ENDPOINT or the public one')
    .option('--refresh', 'ask the hub again though the model is in the cache')
    .action(pull);
  models
    .command('list')
    .description('show the models in the cache, their sizes and sources')
    .option('--json', 'as a JSON array')
    .option('--verify', 'hash every file again; exit code 1 if one has changed')
    .action(list);
}

async function pull(name: string, flags: PullFlags): Promise<void> {
  const { pullModel } = await import('../../model/hub/pull.ts');
  const progress = streamProgress(process.stderr);
  const warn = (message: string) => process.stderr.write(`lifealign: ${message}\n`);
  const model = await pullModel(name, { ...flags, progress, warn });
  process.stdout.write(`${model.path}\n`);
}

async function list(flags: ListFlags): Promise<void> {
  const { findDamage, listCachedModels, modelsFolder } = await import('../../model/weights/model-cache.ts');
  const { listNames } = await import('../../model/names.ts');
  const names = await listNames();
  const listed: ListedModel[] = [];
  for (const model of await listCachedModels()) {
    const damage = flags.verify ? { damage: await findDamage(model, true) } : {};
    listed.push({ ...describe(model, names), ...damage });
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
  else if (listed.length === 0) process.stdout.write(`no models in ${modelsFolder()}\n`);
  else for (const model of listed) process.stdout.write(`${paragraph(model)}\n`);
  const damaged = listed.flatMap(({ damage }) => damage ?? []);
  if (damaged.length > 0) throw new UserError(damaged.join('\n'), { exitCode: 1 });
}

function describe(model: CachedModel, names: readonly PulledName[]): ListedModel {
  const folder = basename(model.path);
  return {
    names: names.filter((name) => name.folder === folder).map(({ name }) => name),
    bytes: model.record.files.reduce((sum, file) => sum + file.bytes, 0),
    source: model.record.source,
    path: model.path,
  };
}

function paragraph({ names, bytes, source, path, damage }: ListedModel): string {
  const checked = damage === undefined ? '' : damage === null ? ', verified' : ', DAMAGED';
  const title = names.length > 0 ? names.join(', ') : '(no name)';
  return `${title}  ${(bytes / 1e6).toFixed(0)} MB${checked}\n  from ${sourceText(source)}\n  in   ${path}`;
}

function sourceText(source: ModelSource): string {
  switch (source.kind) {
    case 'hub':
      return `${source.repository}@${source.revision} (commit ${source.commit.slice(0, 12)}) on ${source.hub}`;
    case 'gguf':
      return source.package === undefined
        ? source.file
        : `${source.file} in the Python package ${source.package.name}==${source.package.version}`;
    case 'folder':
      return `${source.path}, converted to float32`;
  }
}
