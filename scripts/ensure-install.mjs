// Installs the dependencies unless node_modules already holds what the lockfile says.
// Plain Node: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @returns {boolean} false when `npm ci` failed; its output says why. */
export function ensureInstalled() {
  if (isInstalled()) return true;
  console.log('Installing the dependencies (npm ci) ...');
  const npm = process.env.npm_execpath;
  // Speaks even under `npm test --silent`: a failed install must say why.
  const ci = ['ci', '--loglevel=warn'];
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm, ...ci]] : ['npm', ci];
  return spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

function isInstalled() {
  // npm's record of what it installed; it is written last, so a broken install lacks it.
  const record = `${root}/node_modules/.package-lock.json`;
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  return Object.entries(packagesOf(`${root}/package-lock.json`)).every(([path, { version, optional }]) => {
    // The lockfile's first entry is this package itself; optional ones are for other platforms.
    if (path === '' || (optional && !(path in installed))) return true;
    return installed[path]?.version === version;
  });
}

function packagesOf(lockfile) {
  return JSON.parse(readFileSync(lockfile, 'utf8')).packages;
}
