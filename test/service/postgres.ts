/** A PostgreSQL server of the test's own, where Debian's package is installed; on a socket in its folder alone. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface Postgres {
  readonly url: string;
  stop(): void;
}

const ROOT = '/usr/lib/postgresql';

function programs(): string | null {
  if (!existsSync(ROOT)) return null;
  const version = readdirSync(ROOT)
    .filter((name) => existsSync(join(ROOT, name, 'bin', 'initdb')))
    .sort((a, b) => Number(b) - Number(a))[0];
  return version === undefined ? null : join(ROOT, version, 'bin');
}

/** Why there is none; null where one can be started. */
export function noPostgres(): string | null {
  if (programs() === null) return 'PostgreSQL is not installed (Debian package postgresql)';
  return userInfo().uid === 0 && serverUser() === null
    ? 'PostgreSQL refuses root, and has no user of its own here'
    : null;
}

/** It refuses to run as root. */
function serverUser(): { uid: number; gid: number } | null {
  if (userInfo().uid !== 0) return null;
  try {
    const id = (flag: string) =>
      Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}

/** @param durable whether it syncs its commits to disk, which nobody needs who kills clients of it alone */
export function startPostgres({ durable = true } = {}): Postgres {
  const bin = programs() as string;
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-pg-'));
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
  const run = (program: string, ...args: string[]) =>
    execFileSync(join(bin, program), args, {
      ...user,
      cwd: folder,
      stdio: 'pipe',
      env: { LC_ALL: 'C', PATH: process.env['PATH'] },
    });
  const data = join(folder, 'data');
  run('initdb', '-D', data, '-U', 'lifealign', '-A', 'trust', '-E', 'UTF8', '--no-sync');
  const options = `-c listen_addresses='' -c unix_socket_directories='${folder}' -c max_connections=40 -c fsync=${durable ? 'on' : 'off'}`;
  run('pg_ctl', '-D', data, '-l', join(folder, 'log'), '-w', '-o', options, 'start');
  return {
    url: `postgres://lifealign@localhost/postgres?host=${encodeURIComponent(folder)}`,
    stop() {
      run('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
