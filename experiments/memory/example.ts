/** The README's example of a long-term memory, whose outputs it prints: `npx tsx experiments/memory/example.ts`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const COMMANDS = [
  `memory init --base tiny --config ${repository('experiments/memory/tiny.yaml')}`,
  'learn --task facts --data builtin:facts/train',
  'learn --task voice --data builtin:voice/train',
  'learn --task empathy --data builtin:empathy/train',
  'memory log',
  'memory show',
  'memory diff 2 head --answers 1',
  'memory drop voice',
  'memory revert 6',
  'memory verify --replay',
];

const folder = mkdtempSync(join(tmpdir(), 'lifealign-example-'));
try {
  for (const command of COMMANDS) {
    process.stdout.write(`\n$ npx lifealign ${command.replace(repository(''), '')}\n`);
    const args = [repository('bin/lifealign.js'), ...command.split(' '), '--memory', 'shop'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    process.stdout.write(stdout);
    if (status !== 0) throw new Error(stderr);
  }
} finally {
  rmSync(folder, { recursive: true });
}
