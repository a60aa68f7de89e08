/** Where dequantised weights, pulled models and reference log-probs are kept between runs. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  readonly home?: string;
}

/**
 * The user's cache folder for this program; it need not exist yet. In order: `LIFEALIGN_CACHE` itself,
 * `lifealign` under `XDG_CACHE_HOME`, the platform's own place for caches. Empty variables count as
 * unset, and so does a relative `XDG_CACHE_HOME`, as the XDG base directory specification demands.
 */
export function cacheFolder(surroundings: Surroundings = {}): string {
  const { env = process.env, platform = process.platform, home = homedir() } = surroundings;
  if (env['LIFEALIGN_CACHE']) return env['LIFEALIGN_CACHE'];
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg && isAbsolute(xdg)) return join(xdg, 'lifealign');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'lifealign');
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'lifealign', 'Cache');
  }
  return join(home, '.cache', 'lifealign');
}
