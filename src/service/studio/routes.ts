/**
 * The studio's files, as they were built (`web/`): a page, its style and its script, and nothing from elsewhere. They are
 * public, for they hold no data; all data comes from the API, which asks for a key as of any caller.
 *
 * A key is kept by the page for as long as its tab lives and sent in a header. No cookie: one would be sent along by
 * pages of every other port of the host, and with each request that a foreign page can think of.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { packageFolder } from '../../support/version.ts';
import { ApiError } from '../api-error.ts';
import { type Route, route } from '../http/route.ts';

/** Where `npm run build` leaves it. */
export const STUDIO_FOLDER = join(packageFolder, 'dist', 'studio');

const NOT_BUILT = 'the studio is not built; in a checkout: npm run build:studio';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing but its own files, no script or style in the page, no text ever taken for markup, in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface StudioFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** @param folder of a build; where there is none, the page's address says how it is made */
export async function studioRoutes(folder = STUDIO_FOLDER): Promise<readonly Route[]> {
  const files = await readFiles(folder);
  const page = route({
    method: 'get',
    path: '/studio/',
    access: 'public',
    documentation: { summary: 'The studio.', contentType: 'text/html' },
    handle: () => answer(files.get('index.html'), 'no-cache'),
  });
  const asset = route({
    method: 'get',
    path: '/studio/assets/{file}',
    access: 'public',
    documentation: { summary: 'Files of the studio.' },
    // Their names change with their contents.
    handle: ({ params }) =>
      answer(files.get(`assets/${params['file']}`), 'public, max-age=31536000, immutable'),
  });
  const here = (path: string) =>
    route({
      method: 'get',
      path,
      access: 'public',
      documentation: { summary: 'Leads to the studio.' },
      handle: () => new Response(null, { status: 302, headers: { location: '/studio/' } }),
    });
  return [here('/'), here('/studio'), page, asset];

  function answer(file: StudioFile | undefined, cache: string): Response {
    if (files.size === 0) throw new ApiError(404, NOT_BUILT, { code: 'studio_not_built' });
    if (file === undefined) throw new ApiError(404, 'the studio has no such file');
    const headers = {
      'content-type': file.type,
      'cache-control': cache,
      'content-security-policy': POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    };
    return new Response(file.bytes, { headers });
  }
}

/** All of them, read once: what is asked for is looked up by name, so that no path leads anywhere else. */
async function readFiles(folder: string): Promise<ReadonlyMap<string, StudioFile>> {
  const files = new Map<string, StudioFile>();
  for (const part of ['', 'assets/']) {
    const entries = await readdir(join(folder, part), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.filter((one) => one.isFile())) {
      const type = TYPES[extname(entry.name)] ?? 'application/octet-stream';
      files.set(`${part}${entry.name}`, { bytes: await readFile(join(folder, part, entry.name)), type });
    }
  }
  return files;
}
