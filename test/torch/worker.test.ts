/** The worker itself: its own tests, and what becomes of its process when a host misbehaves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFrame, type Frame, FrameReader } from '../../src/engine/torch/frames.ts';
import { PROTOCOL } from '../../src/engine/torch/messages.ts';
import { workerFolder, workerPackage } from '../../src/engine/torch/python.ts';
import { oraclePython } from '../parity/environment.ts';

const MODEL = fileURLToPath(new URL('../parity/fixtures/models/untied-gqa', import.meta.url));
const env = { ...process.env, PYTHONPATH: workerPackage, TRANSFORMERS_VERBOSITY: 'error' };

let python: string;
beforeAll(async () => {
  python = await oraclePython();
});

it('passes its own tests', async () => {
  await execa(python, ['-m', 'unittest', 'discover', '--top-level-directory', '.', 'tests'], {
    cwd: workerFolder,
    env,
  });
});

interface Conversation {
  readonly frames: Frame[];
  readonly code: number | null;
  readonly seconds: number;
}

const frame = (header: Frame['header']) => Buffer.concat(encodeFrame({ header, tensors: new Map() }));
const hello = (protocol: number) => frame({ type: 'hello', protocol, version: '7.7.7' });

/** Starts a worker, greets it, and once it is ready (or at once) does something to it. */
async function converse(
  greeting: Buffer,
  when: 'ready' | 'hello',
  act: (socket: Socket) => void,
): Promise<Conversation> {
  const folder = await mkdtemp(join(tmpdir(), 'lifealign-'));
  const path = join(folder, 'worker.sock');
  const server = createServer().listen(path);
  try {
    await once(server, 'listening');
    const args = ['-m', 'lifealign_worker', '--model', MODEL, '--socket', path, '--device', 'cpu'];
    const child = spawn(python, args, { env, stdio: 'ignore' });
    const closed = once(child, 'close');
    const [socket] = (await once(server, 'connection')) as [Socket];
    const frames: Frame[] = [];
    const reader = new FrameReader();
    let began = performance.now();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const one of reader.push(chunk)) {
        frames.push(one);
        if (one.header['type'] !== when) continue;
        began = performance.now();
        act(socket);
      }
    });
    socket.write(greeting);
    const [code] = await closed;
    return { frames, code: code as number | null, seconds: (performance.now() - began) / 1000 };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('a worker whose host', () => {
  const oversized = Buffer.alloc(12, 0xff);
  it.each<[string, string, (socket: Socket) => void]>([
    ['sends noise', 'a frame announces', (socket) => socket.write(Buffer.alloc(100, 0xee))],
    ['announces too much', 'a frame announces', (socket) => socket.write(oversized)],
    [
      'sends no JSON',
      'is not JSON',
      (socket) => socket.write(Buffer.from([1, ...new Array(11).fill(0), 0x7b])),
    ],
    [
      'stops within a frame',
      'the stream ended',
      (socket) => socket.end(frame({ type: 'open' }).subarray(0, 20)),
    ],
    [
      'asks out of order',
      'session 1 is not open',
      (socket) => socket.write(frame({ type: 'collect', session: 1 })),
    ],
    ['asks for nonsense', 'is no request', (socket) => socket.write(frame({ type: 'eval', session: 1 }))],
  ])('%s is told so and ends', async (_, message, act) => {
    const { frames, code, seconds } = await converse(hello(PROTOCOL), 'ready', act);
    expect(frames.at(-1)?.header).toMatchObject({ type: 'error', code: 'protocol' });
    expect(frames.at(-1)?.header['message']).toContain(message);
    expect(code).toBe(1);
    expect(seconds).toBeLessThan(10);
  });

  it('ends well does so too', async () => {
    const { frames, code } = await converse(hello(PROTOCOL), 'ready', (socket) => socket.end());
    expect(frames.map(({ header }) => header['type'])).toEqual(['hello', 'ready']);
    expect(code).toBe(0);
  });

  it('speaks another protocol refuses it, naming both', async () => {
    const { frames, code } = await converse(hello(PROTOCOL + 1), 'hello', () => {});
    expect(frames.at(-1)?.header['message']).toMatch(
      new RegExp(
        String.raw`the host \(lifealign 7\.7\.7\) speaks protocol ${PROTOCOL + 1}, this worker \([\d.]+\) protocol ${PROTOCOL}`,
      ),
    );
    expect(code).toBe(1);
  });
});
