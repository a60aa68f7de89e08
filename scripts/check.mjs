// `npm test`: installs if needed, then runs every static check and the tests. Each static check counts
// as one test; a check's output is shown only when it fails. The last line, always printed, is
// `N passed, N failed` (`, N skipped`).
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './ensure-install.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const environment = {
  ...process.env,
  PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH,
};

/** The static checks, by their names in package.json's scripts. */
const STATIC_CHECKS = ['lint', 'typecheck', 'layers', 'unused', 'check:package'];

const totals = { passed: 0, failed: 0, skipped: 0 };

if (ensureInstalled()) {
  for (const name of STATIC_CHECKS) await runStaticCheck(name);
  await runTests();
} else {
  console.log('failed: npm ci');
  totals.failed++;
}

const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`);
process.exitCode = totals.failed > 0 ? 1 : 0;

async function runStaticCheck(name) {
  const start = performance.now();
  const { ok, output } = await execute(scripts[name], 'pipe');
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  totals[ok ? 'passed' : 'failed']++;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (!ok) console.log(output);
}

async function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-check-'));
  const report = join(folder, 'vitest.json');
  try {
    const command = `${scripts['test:unit']} --reporter=default --reporter=json --outputFile.json="${report}"`;
    const { ok } = await execute(command, 'inherit');
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    totals.passed += counts.numPassedTests;
    totals.skipped += counts.numPendingTests + counts.numTodoTests;
    // A file that does not load, or an error outside any test, fails the run without a failed test.
    totals.failed += ok ? counts.numFailedTests : Math.max(1, counts.numFailedTests);
  } catch (error) {
    console.log(`The tests left no readable report: ${error.message}`);
    totals.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a shell command line in the repository; with 'pipe' its output is kept instead of shown. */
function execute(command, output) {
  return new Promise((resolve) => {
    const child = spawn(command, {
      cwd: root,
      env: environment,
      shell: true,
      stdio: ['ignore', output, output],
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString() }));
  });
}
