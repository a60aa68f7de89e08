/** The system's Chromium, for tests of pages; none is downloaded. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** LIFEALIGN_CHROMIUM, or the first found on the PATH. */
export function findChromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return process.env['LIFEALIGN_CHROMIUM'] ?? candidates.find((path) => existsSync(path));
}

export function openChromium(executablePath: string): Promise<Browser> {
  // Its sandbox refuses to start for root, as in containers.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}
