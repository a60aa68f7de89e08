import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-layers-'));

/** Small programs, each of one import, and the rule that each breaks. */
const programs: Record<string, { imports: string; breaks: string[] }> = {
  'src/support/a.ts': { imports: '', breaks: [] },
  'src/cli/a.ts': { imports: "import { a } from '../support/a.ts';", breaks: [] },
  'src/data/a.ts': { imports: "import { a } from '../text/a.ts';", breaks: ['data-imports-upward'] },
  'src/text/a.ts': { imports: "import type { a } from '../engine/a.ts';", breaks: ['text-imports-upward'] },
  'src/engine/a.ts': { imports: "import { a } from '../index.ts';", breaks: ['engine-imports-upward'] },
  'src/index.ts': { imports: '', breaks: [] },
  'src/train/a.ts': { imports: "import { a } from '../../test/a.ts';", breaks: ['product-imports-tests'] },
  'src/service/a.ts': { imports: '', breaks: [] },
  'web/src/a.ts': { imports: "import type { a } from '../../src/service/a.ts';", breaks: [] },
  'web/src/b.ts': {
    imports: "import { a } from '../../src/service/a.ts';",
    breaks: ['studio-runs-nothing-of-the-service'],
  },
  'web/src/c.ts': { imports: "import { a } from '../../src/support/a.ts';", breaks: ['studio-is-a-client'] },
  'src/cli/b.ts': {
    imports: "import { a } from '../../web/src/a.ts';",
    breaks: ['nothing-imports-the-studio'],
  },
  'test/a.ts': { imports: "import { a } from '../src/novel/a.ts';", breaks: ['unknown-layer'] },
  'src/novel/a.ts': { imports: '', breaks: [] },
  'src/eval/a.ts': { imports: "import { a } from 'nowhere';", breaks: ['unresolvable'] },
  'src/optim/a.ts': {
    imports: "import { a } from 'helper';",
    breaks: ['undeclared-or-development-dependency'],
  },
  'node_modules/helper/index.js': { imports: '', breaks: [] },
  'src/method/a.ts': { imports: "import { b } from './b.ts';", breaks: ['circular'] },
  // A cycle is reported once.
  'src/method/b.ts': { imports: "import { a } from './a.ts';", breaks: [] },
  'src/tensor/onnx/onnx_pb.ts': {
    imports: "import { a } from '../../support/a.ts';",
    breaks: ['generated-code-imports'],
  },
};

let violations: { from: string; rule: { name: string } }[];

beforeAll(() => {
  for (const [path, { imports }] of Object.entries(programs)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), `${imports}\nexport const a = 1;\nexport const b = 1;\n`);
  }
  writeFileSync(join(folder, 'package.json'), '{ "devDependencies": { "helper": "1.0.0" } }');
  writeFileSync(join(folder, 'tsconfig.json'), '{}');
  const depcruise = resolve('node_modules/.bin/depcruise');
  const args = [
    '--config',
    resolve('.dependency-cruiser.mjs'),
    '--output-type',
    'json',
    'src',
    'test',
    'web',
  ];
  const { stdout } = spawnSync(depcruise, args, { cwd: folder, encoding: 'utf8' });
  violations = JSON.parse(stdout).summary.violations;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the layer check', () => {
  it.each(Object.entries(programs))('%s', (path, { breaks }) => {
    const found = violations.filter(({ from }) => from === path).map(({ rule }) => rule.name);
    expect(found.sort()).toEqual(breaks);
  });
});
