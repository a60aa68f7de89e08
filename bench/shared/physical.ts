/**
 * The most physical memory that a process took while it was watched: its proportional set size, in which a page that
 * is mapped several times, as weights are by every session that reads them, counts once. Resident size counts it as
 * often as it is mapped.
 */
import { readFile } from 'node:fs/promises';

/** The kernel goes through all pages for an answer: milliseconds for a gigabyte. */
const MILLISECONDS = 1000;

/** Returns what ends watching and gives the peak in bytes; `null` where the system does not say. */
export function watchPhysicalMemory(pid: number | undefined): () => number | null {
  let peak: number | null = null;
  const look = async () => {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    const line = /^Pss:\s+(\d+) kB$/m.exec(text);
    if (line) peak = Math.max(peak ?? 0, 1024 * Number(line[1]));
  };
  const timer = setInterval(look, MILLISECONDS);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
