// A worker whose model is a formula, written from worker/PROTOCOL.md alone: the log-prob of a response is
// -scaling * w * (sum of its tokens), where w is the first number of the adapter (1 under the base), and after token
// t comes t + 1. Its first argument says how it misbehaves.
import { createConnection } from 'node:net';

const mode = process.argv[2];
if (mode === 'ends-at-once') {
  process.stderr.write('ModuleNotFoundError: torch\n');
  process.exit(1);
}
const socket = createConnection(process.argv[process.argv.indexOf('--socket') + 1]);
const sessions = new Map();
const VOCABULARY = 300;
let buffer = Buffer.alloc(0);
let requests = 0;

const ITEMS = { float32: Float32Array, float64: Float64Array, int32: Int32Array };

function say(header, tensors = {}) {
  const listed = Object.entries(tensors).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const text = Buffer.from(JSON.stringify({ ...header, tensors: listed }));
  const payload = Buffer.concat(
    Object.values(tensors).map(({ dtype, values }) => Buffer.from(ITEMS[dtype].from(values).buffer)),
  );
  const prefix = Buffer.alloc(12);
  prefix.writeUInt32LE(text.length);
  prefix.writeBigUInt64LE(BigInt(payload.length), 4);
  socket.write(Buffer.concat([prefix, text, payload]));
}

function nextFrame() {
  if (buffer.length < 12) return null;
  const [head, load] = [buffer.readUInt32LE(0), Number(buffer.readBigUInt64LE(4))];
  if (buffer.length < 12 + head + load) return null;
  const header = JSON.parse(buffer.subarray(12, 12 + head).toString());
  const payload = buffer.subarray(12 + head, 12 + head + load);
  buffer = buffer.subarray(12 + head + load);
  const tensors = {};
  let at = 0;
  for (const { name, dtype, shape } of header.tensors) {
    const bytes = shape.reduce((a, b) => a * b, 1) * ITEMS[dtype].BYTES_PER_ELEMENT;
    tensors[name] = [...new ITEMS[dtype](Uint8Array.from(payload.subarray(at, at + bytes)).buffer)];
    at += bytes;
  }
  return { header, tensors };
}

const vector = (dtype, values) => ({ dtype, shape: [values.length], values });

/** Sums of the tokens of every response of every part. */
function responseSums({ header, tensors }) {
  const sums = [];
  for (let part = 0; part < header.parts; part++) {
    const targets = tensors[`${part}.targets`];
    let from = 0;
    for (const length of tensors[`${part}.lengths`]) {
      sums.push(targets.slice(from, from + length).reduce((a, b) => a + b, 0));
      from += length;
    }
  }
  return sums;
}

function answer(frame) {
  const { header, tensors } = frame;
  const session = sessions.get(header.session);
  switch (header.type) {
    case 'open': {
      const listed = header.tensors;
      const w = listed.length > 0 ? tensors[listed[0].name][0] : 1;
      sessions.set(header.session, { listed, w, scaling: header.scaling, slope: 0 });
      return say({ type: 'opened' });
    }
    case 'forward': {
      session.sums = responseSums(frame);
      const logps = session.sums.map((sum) => -session.scaling * session.w * sum);
      return say({ type: 'log_probs' }, { log_probs: vector('float64', logps) });
    }
    case 'backward':
      tensors.cotangents.forEach((cotangent, at) => {
        session.slope -= cotangent * session.scaling * session.sums[at];
      });
      return say({ type: 'done' });
    case 'collect':
      return say(
        { type: 'gradients' },
        Object.fromEntries(
          session.listed.map(({ name, shape }, tensor) => {
            const values = new Array(shape[0] * shape[1]).fill(0);
            if (tensor === 0) values[0] = session.slope;
            return [name, { dtype: 'float32', shape, values }];
          }),
        ),
      );
    case 'decode': {
      const values = [];
      let at = 0;
      for (let row = 0; row < tensors.rows.length; row += 3) {
        at += tensors.rows[row + 2];
        const logits = new Array(VOCABULARY).fill(0);
        logits[(tensors.tokens[at - 1] + 1) % VOCABULARY] = 1;
        values.push(...logits);
      }
      return say(
        { type: 'logits' },
        { logits: { dtype: 'float32', shape: [tensors.rows.length / 3, VOCABULARY], values } },
      );
    }
    case 'close':
      sessions.delete(header.session);
      return say({ type: 'closed' });
  }
}

function misbehave() {
  if (mode === 'dies') process.kill(process.pid, 'SIGKILL');
  if (mode === 'gives-up') say({ type: 'error', code: 'failed', message: 'out of memory' });
  if (mode === 'noise') socket.write(Buffer.alloc(64, 0xff));
  if (mode === 'another-reply') say({ type: 'done' });
  if (mode === 'another-shape') say({ type: 'log_probs' }, { log_probs: vector('float64', [1]) });
  if (mode === 'truncates') socket.end(Buffer.from([40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 123]));
  if (mode === 'unasked') {
    say({ type: 'log_probs' }, { log_probs: vector('float64', [-1, -1]) });
    say({ type: 'done' });
  }
}

socket.on('error', () => process.exit(0));
socket.on('end', () => process.exit(0));
say({ type: 'hello', protocol: mode === 'newer' ? 3 : 2, version: '9.9.9' });
socket.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk]);
  for (let frame = nextFrame(); frame; frame = nextFrame()) {
    if (frame.header.type === 'hello') {
      if (mode === 'no-model') {
        process.stderr.write('a traceback\n');
        say({ type: 'error', code: 'failed', message: 'there is no model' });
        continue;
      }
      const versions = { python: '3', torch: '2', transformers: '5' };
      const hidden = mode === 'another-model' ? 64 : 32;
      say({
        type: 'ready',
        versions,
        ranks: 2,
        device: 'cpu',
        dtype: 'float32',
        vocabulary: VOCABULARY,
        hidden,
        layers: 2,
      });
    } else if (mode !== 'well' && frame.header.type === 'forward' && ++requests === 1) misbehave();
    else answer(frame);
  }
});
