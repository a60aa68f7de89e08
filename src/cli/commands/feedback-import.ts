/** `lifealign feedback import`: feedback from a file into the service's database, for review like any other. */
import type { Command } from 'commander';
import { byteProgress } from '../data-command.ts';
import { addStoreFlag, openServiceStore } from '../service-store.ts';

interface ImportFlags {
  readonly store: string;
  readonly redact?: string;
}

export function registerFeedbackImport(program: Command): void {
  const group = program.command('feedback').description("feedback in the service's database");
  const command = group
    .command('import')
    .description("bring feedback in from a file; what was imported before isn't stored again")
    .argument('<file>', "Open WebUI's export of feedback, or JSON lines of POST /v1/feedback bodies with ids")
    .option('--redact <module>', 'as for serve: takes personal data out of texts before they are stored');
  addStoreFlag(command).action(importFile);
}

async function importFile(file: string, flags: ImportFlags): Promise<void> {
  const { FeedbackStore } = await import('../../service/feedback/feedback-store.ts');
  const { importFeedback } = await import('../../service/feedback/import/index.ts');
  const { keepAll, loadRedact } = await import('../../service/feedback/redact.ts');
  const { audit } = await import('../../service/keys/audit.ts');
  const redact = flags.redact === undefined ? keepAll : await loadRedact(flags.redact);
  const { onBytes, bar } = await byteProgress('importing', [file], 1);
  const store = await openServiceStore(flags.store);
  try {
    const policy = { keptDays: 0, feedbackDays: 0, perPerson: 0, perSource: 0 };
    const onLeftOut = (row: number, reason: string) => {
      process.stderr.write(`${file}: row ${row} is left out: ${reason}\n`);
    };
    const feedback = new FeedbackStore({ store, redact, policy });
    const report = await importFeedback(file, feedback, { onBytes, onLeftOut }).finally(() => bar.stop());
    await audit(store.db, {
      ...{ actor: 'command line', action: 'feedback.import', target: report.format },
      detail: { records: report.records, stored: report.stored },
    });
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await store.close();
  }
}
