import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder } from '../../src/support/cache-folder.ts';

it.each([
  ['its own variable first', { LIFEALIGN_CACHE: '/c', XDG_CACHE_HOME: '/x' }, 'linux', '/c'],
  ['XDG_CACHE_HOME', { LIFEALIGN_CACHE: '', XDG_CACHE_HOME: '/x' }, 'darwin', join('/x', 'lifealign')],
  ['no relative XDG_CACHE_HOME', { XDG_CACHE_HOME: 'x' }, 'linux', join('/h', '.cache', 'lifealign')],
  ['Linux', {}, 'linux', join('/h', '.cache', 'lifealign')],
  ['macOS', {}, 'darwin', join('/h', 'Library', 'Caches', 'lifealign')],
  ['Windows', { LOCALAPPDATA: '/l' }, 'win32', join('/l', 'lifealign', 'Cache')],
] as const)('%s', (_, env, platform, expected) => {
  expect(cacheFolder({ env, platform, home: '/h' })).toBe(expected);
});
