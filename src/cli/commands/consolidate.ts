/**
 * `lifealign consolidate`: one step of Short-to-Long Memory Consolidation on PEFT adapters from any
 * trainer. No base model is loaded. The refined memory it writes is the next step's `--history`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { MatrixReport } from '../../memory/consolidate.ts';
import type { Consolidation } from '../../memory/consolidate-adapter.ts';
import { type ConsolidationSpace, consolidationSpaces } from '../../memory/spaces.ts';
import { totalEnergy } from '../../memory/total-energy.ts';
import { writeFolderAtomic } from '../../support/atomic-file.ts';
import { UserError } from '../../support/errors.ts';
import { append } from '../repeatable.ts';

interface ConsolidateOptions {
  readonly before: string;
  readonly after: string;
  readonly history: readonly string[];
  readonly space: ConsolidationSpace;
  readonly threshold: string;
  readonly lambda: string;
  readonly output: string;
}

export function registerConsolidate(program: Command): void {
  program
    .command('consolidate')
    .description('merge what a training stage changed in a LoRA adapter into long-term memory')
    .requiredOption('--before <folder>', 'PEFT adapter as it was before the stage')
    .requiredOption('--after <folder>', 'PEFT adapter as training left it')
    .option('--history <folder>', 'refined memory of an earlier stage, oldest first (repeatable)', append, [])
    .addOption(
      new Option('--space <space>', 'consolidate each LoRA matrix by itself, or the products B·A')
        .choices(consolidationSpaces)
        .default('factors'),
    )
    .option('--threshold <theta>', "share of the change's energy to keep, in (0, 1]", '0.9')
    .option('--lambda <lambda>', "share to keep along earlier stages' directions, in [0, 1]", '0.5')
    .requiredOption(
      '--output <folder>',
      'new folder for the adapter; the refined memory goes to its refined/',
    )
    .action(consolidate);
}

async function consolidate(options: ConsolidateOptions): Promise<void> {
  const { checkConsolidationSettings } = await import('../../memory/consolidate.ts');
  const { checkSameMatrices, consolidateAdapter, MemoryHistory } = await import(
    '../../memory/consolidate-adapter.ts'
  );
  const { readPeftAdapter, writePeftAdapter } = await import('../../model/peft.ts');
  const { distinctPrecisions, printPrecisions } = await import('../../model/base-precision.ts');
  const settings = {
    space: options.space,
    threshold: parseNumber('--threshold', options.threshold),
    lambda: parseNumber('--lambda', options.lambda),
  };
  checkConsolidationSettings(settings);
  const after = await readPeftAdapter(options.after);
  const readAgreeing = async (option: string, folder: string) => {
    const adapter = await readPeftAdapter(folder);
    checkSameMatrices(after, adapter, `--after ${options.after}`, `${option} ${folder}`);
    if (adapter.baseModel !== after.baseModel) {
      warn(`${folder} names the base model ${adapter.baseModel}, ${options.after} names ${after.baseModel}`);
    }
    const all = distinctPrecisions(adapter.basePrecisions, after.basePrecisions);
    if (all.length > Math.max(adapter.basePrecisions?.length ?? 0, after.basePrecisions?.length ?? 0)) {
      warn(
        `${folder} and ${options.after} were trained over a base in ${printPrecisions(all)}: two bases to them`,
      );
    }
    return adapter;
  };
  const before = await readAgreeing('--before', options.before);
  const history = new MemoryHistory();
  for (const folder of options.history) {
    if (existsSync(join(folder, 'refined'))) {
      warn(
        `--history ${folder} has a refined/ folder: the refined memory of that stage is ${folder}/refined`,
      );
    }
    history.append(await readAgreeing('--history', folder));
  }
  const result = consolidateAdapter(before, after, history, settings);
  await writeFolderAtomic(options.output, async (folder) => {
    const { baseModel } = after;
    const merged = distinctPrecisions(before.basePrecisions, after.basePrecisions);
    await writePeftAdapter(folder, result.adapter, { baseModel, basePrecisions: merged });
    const { basePrecisions } = after;
    await writePeftAdapter(join(folder, 'refined'), result.refined, { baseModel, basePrecisions });
  });
  const report = { ...settings, history: options.history, ...formatReport(result) };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

/** Shares in percent; energies are sums of squares. */
function formatReport({ reports }: Consolidation) {
  const matrices = [...reports].map(([name, report]) => ({
    name,
    shape: report.shape,
    kept_rank: report.keptRank,
    singular_values: report.singularValues,
    ...formatEnergy(report.energy),
    history_rank: report.historyRank,
    ...(report.truncation ? formatTruncation(report.truncation) : {}),
  }));
  const keptRanks = matrices.reduce((sum, { kept_rank }) => sum + kept_rank, 0);
  const mean_kept_rank = keptRanks / matrices.length;
  return {
    totals: { matrices: matrices.length, mean_kept_rank, ...formatEnergy(totalEnergy(reports)) },
    matrices,
  };
}

function formatEnergy(energy: MatrixReport['energy']) {
  return {
    short_term_energy: energy.shortTerm,
    refined_energy: energy.refined,
    energy_kept: percent(energy.denoised, energy.shortTerm),
    old_directions_share: percent(energy.parallel, energy.denoised),
  };
}

/** Of what is merged, and of the refined memory, the share that the adapter's rank cannot hold. */
function formatTruncation({ merged, lost, refined, refinedLost }: NonNullable<MatrixReport['truncation']>) {
  return { rank_lost: percent(lost, merged), refined_rank_lost: percent(refinedLost, refined) };
}

/** Null where there is nothing to take a share of. */
function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole;
}

function parseNumber(option: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw new UserError(`${option}: expected a number, found "${text}"`);
  return value;
}

function warn(message: string): void {
  process.stderr.write(`warning: ${message}\n`);
}
