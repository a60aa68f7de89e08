#!/usr/bin/env node
// Starts the command line. In a checkout that is src/ as it stands, compiled on the fly, never an old
// build; a published package has no src/ and runs dist/.
import { existsSync } from 'node:fs';

const source = new URL('../src/cli/main.ts', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js 20.19 or newer is needed; this is ${process.versions.node}`);
} else if (existsSync(source)) {
  const loader = await import('tsx/esm/api').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
  if (loader === undefined) {
    fail('the dependencies are not installed: run `npm ci` first');
  } else {
    loader.register();
    await start(source);
  }
} else {
  await start(new URL('../dist/cli.js', import.meta.url));
}

async function start(entry) {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
}

function fail(message) {
  console.error(`lifealign: ${message}`);
  process.exitCode = 1;
}
