import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { parseJson, parseJsonFile } from '../../src/support/json.ts';
import { findJsonError } from '../../src/support/json-syntax.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-json-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('parseJson', () => {
  it.each([
    ['{"a": 1,\n "b": }', 'f.json, line 2: invalid JSON: expected a value, found "}"'],
    ['[1,\n2,\n\n3', 'f.json, line 4, row 3: invalid JSON: expected "," or "]", found the end of the text'],
    ['[{"a": 1}\n {"a": 2}]', 'f.json, line 2, row 1: invalid JSON: expected "," or "]", found "{"'],
    ['{a: 1}', 'f.json, line 1: invalid JSON: expected a name in double quotes, found "a"'],
    ['{"a" 1}', 'f.json, line 1: invalid JSON: expected ":", found "1"'],
    ['{"a": "x\ny"}', 'f.json, line 1: invalid JSON: a line break or control character inside a string'],
    ['["\\x"]', 'f.json, line 1, row 1: invalid JSON: a backslash that starts no known escape'],
    ['"abc', 'f.json, line 1: invalid JSON: a string is not closed'],
    ['{"a": 1} x', 'f.json, line 1: invalid JSON: expected nothing after the value, found "x"'],
    ['[1,]', 'f.json, line 1, row 2: invalid JSON: expected a value, found "]"'],
    ['01', 'f.json, line 1: invalid JSON: expected nothing after the value, found "1"'],
    ['', 'f.json, line 1: invalid JSON: expected a value, found the end of the text'],
    ['NaN', 'f.json, line 1: invalid JSON: expected a value, found "N"'],
  ])('locates the error in %j', (text, message) => {
    expect(() => parseJson(text, 'f.json')).toThrow(message);
  });

  it('counts lines from where the text starts in its file', () => {
    expect(() => parseJson('{', 'rows.jsonl', 17)).toThrow('rows.jsonl, line 17: invalid JSON');
  });

  it('is not upset by deep nesting', () => {
    expect(findJsonError('['.repeat(200_000))?.offset).toBe(200_000);
  });

  it('finds an error exactly where JSON.parse refuses, whatever the mutation', () => {
    const mutated = fc
      .tuple(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '\\', '0', '-', 'e', ' '),
      )
      .map(([text, at, inserted]) => {
        const position = at % (text.length + 1);
        return text.slice(0, position) + inserted + text.slice(position + (at % 2));
      });
    fc.assert(
      fc.property(mutated, (text) => {
        let refused = false;
        try {
          JSON.parse(text);
        } catch {
          refused = true;
        }
        const found = findJsonError(text);
        expect(found !== undefined).toBe(refused);
        if (found === undefined) return;
        // Everything before the error is the start of some JSON text: no error is found earlier in it.
        const before = findJsonError(text.slice(0, found.offset));
        expect(before === undefined || before.offset === found.offset || /escape/.test(found.message)).toBe(
          true,
        );
      }),
      { numRuns: 3000 },
    );
  });
});

describe('parseJsonFile', () => {
  it('reads a file and drops a byte order mark', async () => {
    expect(await parseJsonFile(file('bom.json', '\ufeff{"a": "é"}'))).toEqual({ a: 'é' });
  });

  it('names a missing file', async () => {
    const path = join(folder, 'absent.json');
    await expect(parseJsonFile(path)).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 2,
      message: `${path}: cannot read: no such file or folder (ENOENT)`,
    });
  });

  it('refuses bytes that are not UTF-8', async () => {
    const path = file('latin1.json', Buffer.from('"\xe9"', 'latin1'));
    await expect(parseJsonFile(path)).rejects.toThrow(`${path}: the file is not UTF-8 text`);
  });
});
