/** How a measured Node process is asked and reports: the counterpart of measured.py. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { version } from '../../src/support/version.ts';
import type { ChildReport } from './child.ts';

/** What standard input holds. */
export function readRequest<Request>(): Request {
  return JSON.parse(readFileSync(process.stdin.fd, 'utf8')) as Request;
}

/** Prints the report, the last line of standard output. */
export function reportChild(seconds: number, numbers: object): void {
  const report: ChildReport = {
    seconds,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    versions: {
      lifealign: version,
      'onnxruntime-node': createRequire(import.meta.url)('onnxruntime-node/package.json').version,
      node: process.versions.node,
    },
  };
  process.stdout.write(`${JSON.stringify({ ...report, ...numbers })}\n`);
}
