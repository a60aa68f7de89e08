import { spawnSync } from 'node:child_process';
import { createWriteStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import { UserError } from '../../src/support/errors.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const FIXTURES = join(import.meta.dirname, 'fixtures');
const good = { prompt: 'Why?', chosen: 'So.', rejected: 'No.' };
const json = JSON.stringify;

async function read(content: string | Uint8Array, name: string, invalidRows: 'error' | 'skip' = 'error') {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return readPreferenceRows(path, { invalidRows });
}

async function refusal(content: string | Uint8Array, name: string): Promise<string> {
  const error = await read(content, name).catch((reason: unknown) => reason);
  if (!(error instanceof UserError)) throw error;
  expect(error.exitCode).toBe(2);
  return error.message;
}

const csv = (...lines: string[]) => ['prompt,chosen,rejected', ...lines].join('\n');
const parquet = readFileSync(join(FIXTURES, 'pandas.parquet'));
const page = readFileSync(join(FIXTURES, 'page-v2.parquet'));

describe('what is refused, with the place', () => {
  it.each<[string, string, string | Uint8Array, RegExp]>([
    [
      'a name that stands twice',
      'rows.jsonl',
      '{"prompt":"q","chosen":"a","rejected":"b","cho\\u0073en":"c"}',
      /line 1, row 1, field "chosen": the name stands twice/,
    ],
    [
      'a name that stands twice inside',
      'rows.json',
      json([good]).replace('"Why?"', '[{"role":"user","content":"a","content":"b"}]'),
      /row 1, field "content"/,
    ],
    [
      'NUL in JSON',
      'rows.jsonl',
      json(good).replace('So', '\0'),
      /line 1, row 1: invalid JSON: a line break or control character/,
    ],
    [
      'an array with a comma too many',
      'rows.json',
      `[${json(good)},]`,
      /row 2: invalid JSON: expected a value, found "]"/,
    ],
    [
      'more behind an array',
      'rows.json',
      `[${json(good)}]\n{}`,
      /line 2: invalid JSON: expected nothing after the array/,
    ],
    [
      'a bracket that is never closed',
      'rows.json',
      `[${json(good)},\n{"prompt": [`,
      /line 2, row 2: invalid JSON: expected a value, found the end/,
    ],
    ['endless nesting', 'rows.jsonl', '['.repeat(100_000), /invalid JSON/],
    [
      'nesting in a field',
      'rows.jsonl',
      json(good).replace('"Why?"', '[{"a":'.repeat(20_000) + 1 + '}]'.repeat(20_000)),
      /row 1, field "prompt\[0\]/,
    ],
    [
      'bytes that are not UTF-8, in JSONL',
      'rows.jsonl',
      Buffer.from(`${json(good)}\n${json({ ...good, chosen: 'é' })}`, 'latin1'),
      /line 2, row 2: not UTF-8/,
    ],
    ['bytes that are not UTF-8, in CSV', 'rows.csv', Buffer.from(csv('q,é,b'), 'latin1'), /not UTF-8/],
    [
      'bytes that are not UTF-8, in Parquet',
      'rows.parquet',
      replaced(page, 'Katze', '\xff'.repeat(5)),
      /damaged or of an unknown kind: .*not valid for encoding utf-8/,
    ],
    ['UTF-16', 'rows.json', Buffer.from(`\ufeff${json([good])}`, 'utf16le'), /not UTF-8|invalid JSON/],
    ['a ragged line of CSV', 'rows.csv', csv('q,a,b', 'q,a,b,c'), /row 2: 4 fields; the first line names 3/],
    ['a short line of CSV', 'rows.csv', csv('q,a'), /row 1: 2 fields; the first line names 3/],
    ['a quote that is never closed', 'rows.csv', csv('q,"a,b'), /row 1: invalid CSV: quote not closed/],
    ['a quote in the middle', 'rows.csv', csv('q,a"b,c'), /row 1: invalid CSV: invalid opening quote/],
    [
      'two columns of one name',
      'rows.csv',
      'prompt,chosen,chosen\nq,a,b',
      /field "chosen": two columns have this name/,
    ],
    [
      'messages written into CSV',
      'rows.csv',
      csv(`"[{'role': 'user', 'content': 'q'}]",a,b`),
      /field "prompt": a list of messages written as a text/,
    ],
    ['a CSV file without rows', 'rows.csv', 'prompt,chosen,rejected\n', /no rows/],
    [
      'a gzip archive that ends early',
      'rows.jsonl.gz',
      gzipSync(json(good).repeat(50)).subarray(0, 60),
      /gzip archive is damaged: it ends early/,
    ],
    [
      'something behind a gzip archive',
      'rows.jsonl.gz',
      Buffer.concat([gzipSync(json(good)), Buffer.from('more')]),
      /gzip archive is damaged/,
    ],
    [
      'an archive that unpacks to a thousand times its size',
      'rows.jsonl.gz',
      gzipSync(`${json(good)}\n`.repeat(1.8e6)),
      /unpacks to more than 200 times its size/,
    ],
    [
      'another archive',
      'rows.jsonl.xz',
      Buffer.from('fd377a585a000004', 'hex'),
      /an xz archive; unpack it first/,
    ],
    ['Parquet that ends early', 'rows.parquet', parquet.subarray(0, 1000), /Parquet file is damaged/],
    [
      'Parquet without its middle',
      'rows.parquet',
      Buffer.concat([parquet.subarray(0, 200), parquet.subarray(400)]),
      /Parquet file is damaged/,
    ],
    ['Parquet inside gzip', 'rows.parquet.gz', gzipSync(parquet), /Parquet inside a gzip archive/],
  ])('%s', async (_, name, content, message) => {
    expect(await refusal(content, name)).toMatch(message);
  });
});

/** Wherever it stands: in a page, in the page's header, at the file's end. */
function replaced(bytes: Buffer, text: string, by: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(text, by), 'latin1');
}

describe('what is read', () => {
  it.each<[string, string, string | Uint8Array]>([
    [
      'CSV after a byte order mark, with CRLF',
      'rows.csv',
      `\ufeff${csv('Why?,So.,No.').replaceAll('\n', '\r\n')}\r\n`,
    ],
    ['CSV with semicolons, whatever it is called', 'rows.txt', 'prompt;chosen;rejected\nWhy?;So.;No.'],
    ['an index column without a name', 'rows.csv', ',prompt,chosen,rejected\n0,Why?,So.,No.'],
    [
      'JSONL in a gzip archive of two members',
      'rows.gz',
      Buffer.concat([gzipSync(json(good).slice(0, 9)), gzipSync(json(good).slice(9))]),
    ],
    ['an array with blank space all over', 'rows.json', `\n [ \t${json(good)} \r\n ] \n`],
    [
      'numbers that are too large for anything',
      'rows.jsonl',
      json({ ...good, score: 1 }).replace('1}', `1e999,"n":${'9'.repeat(500)}}`),
    ],
  ])('%s', async (_, name, content) => {
    const { rows } = await read(content, name);
    expect(rows).toEqual([
      { index: 0, prompt: [{ role: 'user', content: 'Why?' }], chosen: 'So.', rejected: 'No.' },
    ]);
  });

  it('skips rows with a name given twice, and ragged ones, where asked', async () => {
    const { skipped } = await read(csv('Why?,So.,No.', 'q,a'), 'rows.csv', 'skip');
    expect(skipped).toEqual([{ row: 2, field: '', problem: '2 fields; the first line names 3' }]);
  });

  it('takes pieces of any size apart at the same places', async () => {
    const rows = Array.from({ length: 3000 }, (_, at) => ({
      ...good,
      prompt: `${at} 猫 "\\ ${'x'.repeat(at % 1200)}`,
    }));
    for (const content of [json(rows), rows.map((row) => json(row)).join('\n')]) {
      const found = await read(content, 'rows.json');
      expect(found.rows.map(({ prompt }) => prompt[0]?.content)).toEqual(rows.map(({ prompt }) => prompt));
    }
  });
});

describe('large files', () => {
  /** Peak memory of `data convert` in a process of its own whose heap is small, in MB. */
  async function convertLarge(megabytes: number): Promise<{ peak: number; size: number; rows: number }> {
    const path = join(folder(), 'large.jsonl');
    const file = createWriteStream(path);
    const filler = 'word and word '.repeat(150);
    let rows = 0;
    for (let bytes = 0; bytes < megabytes * 1e6; rows++) {
      const line = `${json({ prompt: `Q ${rows}`, chosen: `${filler}${rows}`, rejected: filler })}\n`;
      bytes += line.length;
      if (!file.write(line)) await new Promise<void>((done) => file.once('drain', () => done()));
    }
    await new Promise<void>((done) => file.end(() => done()));
    const script = `
      const { main } = await import(${json(new URL('../../src/cli/main.ts', import.meta.url).href)});
      process.exitCode = await main(['data', 'convert', ${json(path)}, '--output', ${json(join(folder(), 'out.jsonl'))}, '--split', 'train=0.9,test=0.1']);
      process.stderr.write('peak ' + process.resourceUsage().maxRSS);`;
    const args = ['--max-old-space-size=64', '--import', 'tsx', '--input-type=module', '-e', script];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr: stderr.slice(0, 500) }).toMatchObject({ status: 0 });
    return { peak: Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024, size: statSync(path).size / 1e6, rows };
  }

  it('pass through a heap of 64 MB', { timeout: 120_000 }, async () => {
    const megabytes = process.env['LIFEALIGN_LARGE_FILES'] === '1' ? 200 : 80;
    const { peak, size } = await convertLarge(megabytes);
    expect(size).toBeGreaterThanOrEqual(megabytes);
    expect(peak).toBeLessThan(260);
  });

  it('a row of 100 MB is refused', { timeout: 60_000 }, async () => {
    expect(await refusal(Buffer.alloc(100e6, 0x61), 'rows.jsonl')).toMatch(
      /line 1, row 1: the row is longer than 64 MB/,
    );
    expect(
      await refusal(Buffer.concat([Buffer.from('[{"a": "'), Buffer.alloc(100e6, 0x61)]), 'rows.json'),
    ).toMatch(/row 1: the row is longer than 64 MB/);
  });
});
