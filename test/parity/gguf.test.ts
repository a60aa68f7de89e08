/**
 * A GGUF file, converted once by us and read by transformers on its own, gives the same log-probs; and the
 * command line does not care which of the two, file or converted folder, it is given.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { openModel } from '../../src/model/resolve.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { lifealign } from '../cli/command.ts';
import { LOGP_TOLERANCE, worstRelative } from './comparison.ts';
import { runOracle } from './environment.ts';
import { packagedGguf } from './gguf-package.ts';

const ROWS = fileURLToPath(new URL('fixtures/rows.json', import.meta.url));

let folder: string;
let gguf: string | null;
let reason: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-gguf-'));
  gguf = await packagedGguf().catch((error: Error) => {
    reason = `the GGUF file cannot be had: ${error.message}`;
    return null;
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('has the log-probs that transformers computes from the file itself', async ({ skip }) => {
  if (gguf === null) return skip(reason);
  const model = await openModel(gguf);
  const options = { file: ROWS, maxLength: 512, invalidRows: 'error' } as const;
  const { rows } = await readPreferenceRows(ROWS, options);
  const { encoded } = encodeRows(rows, await loadTextModel(model.path), options);
  const sequences = encoded.map(({ prompt, chosen, rejected }) => ({
    prompt: [...prompt],
    chosen: [...chosen],
    rejected: [...rejected],
  }));
  await writeFile(join(folder, 'sequences.json'), JSON.stringify(sequences));
  await runOracle('gguf_logps.py', gguf, join(folder, 'sequences.json'), join(folder, 'logps.json'));
  const expected = JSON.parse(await readFile(join(folder, 'logps.json'), 'utf8'));

  const engine = await createOrtEngine(model);
  const { chosen, rejected } = await engine.score(encoded, null);
  await engine.close();
  const worst = Math.max(worstRelative(chosen, expected.chosen), worstRelative(rejected, expected.rejected));
  process.stderr.write(`  GGUF: worst difference of log-probs ${worst.toExponential(1)}\n`);
  expect(worst).toBeLessThanOrEqual(LOGP_TOLERANCE);
});

it('is scored alike by its own name and by that of the folder made from it', async ({ skip }) => {
  if (gguf === null) return skip(reason);
  const { path } = await openModel(gguf);
  expect(existsSync(join(path, 'config.json'))).toBe(true);
  const lines = async (model: string, output: string) => {
    const files = ['--data', ROWS, '--output', join(folder, output)];
    const { code, stderr } = await lifealign('score', '--model', model, ...files);
    expect(code, stderr).toBe(0);
    return readFile(join(folder, output), 'utf8');
  };
  const [ofFile, ofFolder] = [await lines(gguf, 'file.jsonl'), await lines(path, 'folder.jsonl')];
  expect(ofFile.trimEnd().split('\n')).toHaveLength(5);
  expect(ofFolder).toBe(ofFile);
});
