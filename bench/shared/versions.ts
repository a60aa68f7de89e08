/** Of this program and what it runs on. */
import { createRequire } from 'node:module';
import { version } from '../../src/support/version.ts';

export function ourVersions(): Readonly<Record<string, string>> {
  return {
    lifealign: version,
    'onnxruntime-node': createRequire(import.meta.url)('onnxruntime-node/package.json').version,
    node: process.versions.node,
  };
}
