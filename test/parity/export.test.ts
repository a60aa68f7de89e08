/**
 * What `export` writes, read by the programs it is for: PEFT, transformers, the gguf package and llama.cpp itself,
 * each of which has to give our log-probs of base and adapter.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import type { RowLogProbs } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { exportAdapter } from '../../src/export/export-adapter.ts';
import type { ExportFormatName } from '../../src/export/job.ts';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { openModel } from '../../src/model/resolve.ts';
import type { FloatFormat } from '../../src/model/weights/float-formats.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import {
  ALL_MODULES,
  FAMILIES,
  type FamilyName,
  randomAdapter,
  writeRandomModel,
} from '../export/random-model.ts';
import { LOGP_TOLERANCE, worstRelative } from './comparison.ts';
import { oraclePython, runOracle } from './environment.ts';
import { packagedGguf } from './gguf-package.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROWS = join(HERE, 'fixtures/rows.json');

let folder: string;
let llama: string | null = null;
let whyNoLlama = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-export-'));
  llama = await oraclePython('requirements-llama.txt').catch((error: Error) => {
    whyNoLlama = `llama.cpp's bindings cannot be built here: ${error.message.split('\n')[0]}`;
    return null;
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

interface Subject {
  readonly name: string;
  readonly model: ModelFolder;
  readonly adapter: LoraAdapter;
  readonly rows: readonly EncodedRow[];
  readonly own: RowLogProbs;
  readonly base: RowLogProbs;
}

/** Opens a model, and scores the fixture's rows under it, with and without a random adapter. */
async function subject(name: string, path: string, targets: string[], strength: number): Promise<Subject> {
  const model = await openModel(path);
  const options = { file: ROWS, maxLength: 512, invalidRows: 'error' } as const;
  const { rows } = await readPreferenceRows(ROWS, options);
  const { encoded } = encodeRows(rows, await loadTextModel(model.path), options);
  const full = randomAdapter(model.config, { rank: 4, alpha: 6, targets });
  const tensors = [...full.tensors].map(([key, { shape, data }]) => {
    return [key, { shape, data: data.map((value) => strength * value) }] as const;
  });
  const adapter = { ...full, tensors: new Map(tensors) };
  const engine = await createOrtEngine(model);
  const [own, base] = [await engine.score(encoded, adapter), await engine.score(encoded, null)];
  await engine.close();
  const plain = encoded.map(({ prompt, chosen, rejected }) => ({
    prompt: [...prompt],
    chosen: [...chosen],
    rejected: [...rejected],
  }));
  await writeFile(at(`${name}.json`), JSON.stringify(plain));
  // An adapter that changes nothing would hide everything.
  expect(worstRelative(own.chosen, [...base.chosen])).toBeGreaterThan(0.01);
  return { name, model, adapter, rows: encoded, own, base };
}

async function exported(
  { name, model, adapter }: Subject,
  format: ExportFormatName,
  dtype?: FloatFormat,
): Promise<string> {
  const output = join(await mkdtemp(at(`${name}-${format}-`)), 'out');
  const engine = await createOrtEngine(model);
  const text = await loadTextModel(model.path);
  const settings = { format, output, baseModel: name, maxShardBytes: 200e6 };
  await exportAdapter({ model, text, engine }, adapter, {
    ...settings,
    ...(dtype === undefined ? {} : { dtype }),
  });
  await engine.close();
  return output;
}

async function readJson(file: string) {
  return JSON.parse(await readFile(file, 'utf8'));
}

function worst(own: RowLogProbs, theirs: { chosen: number[]; rejected: number[] }, label: string): number {
  const found = Math.max(
    worstRelative(own.chosen, theirs.chosen),
    worstRelative(own.rejected, theirs.rejected),
  );
  process.stderr.write(`  ${label}: worst relative difference of log-probs ${found.toExponential(1)}\n`);
  return found;
}

async function checkPeft(one: Subject): Promise<void> {
  const adapter = await exported(one, 'peft');
  await runOracle('peft_logps.py', one.model.path, adapter, at(`${one.name}.json`), at('logps.json'));
  expect(worst(one.own, await readJson(at('logps.json')), `${one.name}, PEFT`)).toBeLessThan(LOGP_TOLERANCE);
}

/** Half-precision weights are held to what our own engine makes of the written folder. */
async function checkMerged(one: Subject, dtype: FloatFormat): Promise<void> {
  const output = await exported(one, 'merged', dtype);
  await runOracle('merged_logps.py', output, at(`${one.name}.json`), at('logps.json'));
  const theirs = await readJson(at('logps.json'));
  expect(theirs.dtypes).toEqual([dtype]);
  expect(theirs.eos_token_id).toEqual(2);
  const text = await loadTextModel(output);
  const conversation = [{ role: 'user', content: 'Name two colours, please.' }];
  const rendered = text.template.render(conversation, { addGenerationPrompt: true });
  expect(theirs.prompt).toEqual([...text.tokenizer.encode(rendered)]);
  let own = one.own;
  if (dtype !== 'float32') {
    const engine = await createOrtEngine(await openModel(output));
    own = await engine.score(one.rows, null);
    await engine.close();
  }
  expect(worst(own, theirs, `${one.name}, transformers, ${dtype}`)).toBeLessThan(LOGP_TOLERANCE);
}

async function checkGguf(one: Subject): Promise<string> {
  const output = await exported(one, 'gguf-lora');
  const peft = await exported(one, 'peft', 'float32');
  const lora = join(output, 'adapter.gguf');
  const {
    metadata,
    tensors,
    worst: difference,
  } = JSON.parse(await runOracle('gguf_lora_read.py', lora, peft, one.model.path));
  expect({ tensors, difference }).toEqual({ tensors: one.adapter.tensors.size, difference: 0 });
  expect(metadata).toMatchObject({
    'general.type': 'adapter',
    'adapter.type': 'lora',
    'adapter.lora.alpha': one.adapter.settings.alpha,
  });
  return lora;
}

async function checkLlama(one: Subject, source: string, python: string): Promise<void> {
  const lora = await checkGguf(one);
  await runOracle('make_gguf.py', source, at(`${one.name}.gguf`));
  const files = [at(`${one.name}.gguf`), lora, at(`${one.name}.json`), at('logps.json')];
  await execa(python, [join(HERE, 'llama_logps.py'), ...files]);
  expect(worst(one.own, await readJson(at('logps.json')), `${one.name}, llama.cpp`)).toBeLessThan(
    LOGP_TOLERANCE,
  );
}

describe.each(Object.keys(FAMILIES) as FamilyName[])('a small %s model', (family) => {
  let one: Subject;
  beforeAll(async () => {
    await writeRandomModel(at(family), family);
    one = await subject(family, at(family), ALL_MODULES, 1);
  });

  it('has our log-probs in PEFT', () => checkPeft(one));
  it.each(['float32', 'bfloat16', 'float16'] as const)(
    'has our log-probs in transformers, merged, %s',
    (dtype) => checkMerged(one, dtype),
  );
  it('is read by the gguf package', async () => {
    await checkGguf(one);
  });
  it('has our log-probs in llama.cpp', ({ skip }) =>
    llama === null ? skip(whyNoLlama) : checkLlama(one, at(family), llama));
});

describe('SmolLM2-135M-Instruct from its GGUF file', () => {
  let one: Subject | null = null;
  let gguf: string;
  let reason: string;
  beforeAll(async () => {
    const file = await packagedGguf().catch((error: Error) => {
      reason = `the GGUF file cannot be had: ${error.message}`;
      return null;
    });
    if (file === null) return;
    gguf = file;
    one = await subject('smollm2', file, ['q_proj', 'k_proj', 'v_proj', 'down_proj'], 0.3);
  });

  it('has our log-probs in PEFT', ({ skip }) => (one ? checkPeft(one) : skip(reason)));
  it('has our log-probs in transformers, merged into a folder of its own', ({ skip }) =>
    one ? checkMerged(one, 'float32') : skip(reason));
  it('has our log-probs in llama.cpp, on the dequantised file', ({ skip }) => {
    if (one === null) return skip(reason);
    return llama === null ? skip(whyNoLlama) : checkLlama(one, gguf, llama);
  });
});
