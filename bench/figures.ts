/**
 * The newest records of every machine as Markdown tables, for documents: numbers come from here and are not typed.
 *
 *     npx tsx bench/figures.ts
 */
import { figures } from './shared/figures.ts';
import { readHistory } from './shared/history.ts';

process.stdout.write(figures(await readHistory()));
