// Runs deploy/Dockerfile without Docker, as far as that goes: each stage is a copy-on-write view of this machine's own
// file system in which the instructions are run, in order, at their own paths. Then the image's command is started as
// its user without rights, everything but /data read-only, and asked by its own health check.
// Linux, as root: `sudo node scripts/try-image.mjs`. Base images are not tried: Node.js is this machine's.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const context = fileURLToPath(new URL('..', import.meta.url));
const say = (line) => process.stdout.write(`${line}\n`);
const run = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });

/** Instructions, with continued lines joined and comments left out. */
function instructions(file) {
  const text = readFileSync(file, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, rest] = /^(\w+)\s+(.*)$/.exec(line.trim());
      return { name: name.toUpperCase(), rest };
    });
}

const scratch = mkdtempSync('/var/tmp/lifealign-image-');
const stages = [];

function beginStage(name) {
  const folder = join(scratch, `stage-${stages.length}`);
  for (const part of ['upper', 'work', 'root']) mkdirSync(join(folder, part), { recursive: true });
  const root = join(folder, 'root');
  run(
    'mount',
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work`,
    root,
  );
  stages.push({ name, root, folder: '/', env: {}, user: null });
  for (const device of ['null', 'urandom']) {
    run('touch', join(root, 'dev', device));
    run('mount', '--bind', `/dev/${device}`, join(root, 'dev', device));
  }
  // Node.js's image has this user.
  run('chroot', root, 'bash', '-c', 'id node > /dev/null 2>&1 || useradd --create-home node');
  return stages.at(-1);
}

function perform({ name, rest }) {
  let stage = stages.at(-1);
  if (name === 'ARG') return;
  if (name === 'FROM') {
    stage = beginStage(/ AS (\S+)$/i.exec(rest)?.[1] ?? null);
  } else if (name === 'WORKDIR') {
    stage.folder = rest;
    mkdirSync(join(stage.root, rest), { recursive: true });
  } else if (name === 'ENV') {
    for (const pair of rest.split(' ')) stage.env[pair.split('=')[0]] = pair.split('=')[1];
  } else if (name === 'USER') {
    stage.user = rest;
  } else if (name === 'COPY') {
    const words = rest.split(' ');
    const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : null;
    const source = from === null ? context : stages.find((one) => one.name === from).root;
    const target = words.pop();
    for (const word of words) {
      const to = join(stage.root, stage.folder, target, target.endsWith('/') ? word : '');
      mkdirSync(dirname(to), { recursive: true });
      run('cp', '-a', '--no-target-directory', join(source, word), to);
    }
  } else if (name === 'RUN') {
    chroot(stage, ['bash', '-c', `cd ${stage.folder} && ${rest}`]);
  } else if (['VOLUME', 'EXPOSE'].includes(name)) {
    return;
  } else if (['CMD', 'ENTRYPOINT'].includes(name)) {
    stage[name] = JSON.parse(rest);
  } else if (name === 'HEALTHCHECK') {
    stage.HEALTHCHECK = JSON.parse(/CMD (\[.*\])$/.exec(rest)[1]);
  } else {
    throw new Error(`${name}: not known here`);
  }
}

function chroot({ root, env }, command) {
  execFileSync('env', ['chroot', root, ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** As the container's user, in the container's folder, with the container's environment alone. */
function insideArgs({ root, env, folder, user }, command) {
  const id = (flag) => run('chroot', root, 'id', flag, user).toString().trim();
  const settings = Object.entries({ ...env, PATH: process.env.PATH }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const rights = [
    '--reuid',
    id('-u'),
    '--regid',
    id('-g'),
    '--clear-groups',
    '--no-new-privs',
    '--bounding-set=-all',
  ];
  const shell = ['bash', '-c', `cd ${folder} && exec "$@"`, 'bash', ...command];
  return ['-i', ...settings, 'chroot', root, 'setpriv', ...rights, ...shell];
}

async function tryService(stage) {
  // The volume, and nothing else, can be written to.
  mkdirSync(join(scratch, 'data'));
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    run('chroot', stage.root, 'id', flag, stage.user).toString().trim(),
  );
  run('chown', `${uid}:${gid}`, join(scratch, 'data'));
  run('mount', '--bind', join(scratch, 'data'), join(stage.root, 'data'));
  run('mount', '-o', 'remount,ro', stage.root);
  const inside = (command) => execFileSync('env', insideArgs(stage, command), { encoding: 'utf8' });
  say(`whoami: ${inside(['id', '-un']).trim()}`);
  say(`a write outside /data: ${inside(['bash', '-c', 'touch /opt/lifealign/x 2>&1 || true']).trim()}`);
  say(`version: ${inside([...stage.ENTRYPOINT, '--version']).trim()}`);
  inside([...stage.ENTRYPOINT, 'keys', 'add', '--name', 'try', '--roles', 'admin']);
  const service = spawn('env', insideArgs(stage, [...stage.ENTRYPOINT, ...stage.CMD]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => service.on('exit', resolve));
  await Promise.race([new Promise((resolve) => service.stdout.once('data', resolve)), ended]);
  for (let tries = 0; ; tries++) {
    try {
      inside(stage.HEALTHCHECK);
      say('health check: passed');
      break;
    } catch (error) {
      if (tries > 20) throw error;
      await wait(500);
    }
  }
  const page = "fetch('http://127.0.0.1:8080/studio/').then((answer) => console.log(answer.status))";
  say(`the studio: ${inside(['node', '-e', page]).trim()}`);
  service.kill('SIGTERM');
  say(`SIGTERM: exit code ${await ended}`);
}

try {
  for (const instruction of instructions(join(context, 'deploy/Dockerfile'))) {
    say(`${instruction.name} ${instruction.rest}`);
    perform(instruction);
  }
  await tryService(stages.at(-1));
} finally {
  for (const { root } of stages.reverse()) run('umount', '--recursive', '--lazy', root);
  rmSync(scratch, { recursive: true, force: true });
}
