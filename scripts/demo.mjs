// `npm run demo`: installs if needed, then runs `lifealign demo` with the arguments given.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureInstalled } from './ensure-install.mjs';

const command = fileURLToPath(new URL('../bin/lifealign.js', import.meta.url));
if (ensureInstalled()) {
  const { status } = spawnSync(process.execPath, [command, 'demo', ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = 1;
}
