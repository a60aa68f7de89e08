/** How a measured Node process is asked and reports: the counterpart of measured.py. */
import { readFileSync } from 'node:fs';
import type { ChildReport } from './child.ts';
import { ourVersions } from './versions.ts';

/** What standard input holds. */
export function readRequest<Request>(): Request {
  return JSON.parse(readFileSync(process.stdin.fd, 'utf8')) as Request;
}

/** Prints the report, the last line of standard output. */
export function reportChild(seconds: number, numbers: object): void {
  const report: ChildReport = {
    seconds,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    versions: ourVersions(),
  };
  process.stdout.write(`${JSON.stringify({ ...report, ...numbers })}\n`);
}
