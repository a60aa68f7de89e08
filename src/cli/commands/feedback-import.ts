/** `lifealign feedback import`: feedback from a file into the service's database, for review like any other. */
import type { Command } from 'commander';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { byteProgress } from '../data-command.ts';
import { append } from '../repeatable.ts';
import { addStoreFlag, openServiceStore } from '../service-store.ts';

interface ImportFlags {
  readonly store: string;
  readonly redact?: string;
  readonly from?: string;
  readonly traces?: readonly string[];
  readonly columns?: string;
  readonly upFrom?: string;
}

export function registerFeedbackImport(program: Command): void {
  const group = program.command('feedback').description("feedback in the service's database");
  const command = group
    .command('import')
    .description("bring feedback in from a file; what was imported before isn't stored again")
    .argument(
      '<file>',
      'feedback of Open WebUI, Langfuse or Argilla, or bodies of POST /v1/feedback with ids',
    )
    .option('--from <name>', 'open-webui, langfuse, argilla or lifealign, instead of recognising it')
    .option(
      '--traces <file>',
      'what scores of Langfuse are about: traces, observations; may be repeated',
      append,
    )
    .option('--columns <names>', 'fields and questions of Argilla: prompt=text,answer=reply,edited=better')
    .option('--up-from <number>', 'in Langfuse and Argilla: numbers from this on are a thumb up, others down')
    .option('--redact <module>', 'as for serve: takes personal data out of texts before they are stored');
  addStoreFlag(command).action(importFile);
}

async function importFile(file: string, flags: ImportFlags): Promise<void> {
  const { FeedbackStore } = await import('../../service/feedback/feedback-store.ts');
  const { importFeedback } = await import('../../service/feedback/import/index.ts');
  const { keepAll, loadRedact } = await import('../../service/feedback/redact.ts');
  const { audit } = await import('../../service/keys/audit.ts');
  const redact = flags.redact === undefined ? keepAll : await loadRedact(flags.redact);
  const { traces = [], from } = flags;
  const settings = await importSettings(flags);
  const { onBytes, bar } = await byteProgress('importing', [...traces, file], 1);
  const store = await openServiceStore(flags.store);
  try {
    const policy = { keptDays: 0, feedbackDays: 0, perPerson: 0, perSource: 0 };
    const onLeftOut = (row: number, reason: string) => {
      process.stderr.write(`${file}: row ${row} is left out: ${reason}\n`);
    };
    const feedback = new FeedbackStore({ store, redact, policy });
    const { readTraces } = await import('../../service/feedback/import/langfuse-traces.ts');
    const read = async () => {
      const about = traces.length === 0 ? {} : { traces: await readTraces(traces, onBytes) };
      const options = { ...(from === undefined ? {} : { from }), settings: { ...settings, ...about } };
      return importFeedback(file, feedback, { ...options, onBytes, onLeftOut });
    };
    const report = await read().finally(() => bar.stop());
    await audit(store.db, {
      ...{ actor: 'command line', action: 'feedback.import', target: report.format },
      detail: { records: report.records, stored: report.stored },
    });
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await store.close();
  }
}

/** @throws {UserError} for parts that there are not, and what is no number */
async function importSettings({ columns, upFrom }: ImportFlags) {
  const { columnsOf } = await import('../../data/row-stream.ts');
  const { ARGILLA_PARTS } = await import('../../service/feedback/import/argilla.ts');
  const named = columns === undefined ? undefined : columnsOf(columns);
  const unknown = Object.keys(named ?? {}).find((part) => !Object.hasOwn(ARGILLA_PARTS, part));
  if (unknown !== undefined) {
    const parts = Object.keys(ARGILLA_PARTS);
    throw new UserError(`--columns ${unknown}: expected ${parts.join(', ')}.${didYouMean(unknown, parts)}`);
  }
  if (upFrom !== undefined && (upFrom.trim() === '' || !Number.isFinite(Number(upFrom)))) {
    throw new UserError(`--up-from ${upFrom}: expected a number`);
  }
  return {
    ...(named === undefined ? {} : { columns: named }),
    ...(upFrom === undefined ? {} : { upFrom: Number(upFrom) }),
  };
}
