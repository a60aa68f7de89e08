/**
 * Whatever is wrong with what a user brings: exit code 2, one message that names the place and what was
 * expected, no stack trace, nothing on standard output, nothing written.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { tinyGguf } from '../model/gguf-builder.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, type Ended, lifealign, MODEL, ROWS, spawnLifealign } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const json = JSON.stringify;
const rows: Record<string, unknown>[] = JSON.parse(readFileSync(ROWS, 'utf8'));
const row = rows[0]!;

function expectRefusal({ code, stdout, stderr }: Ended, ...says: (RegExp | string)[]): void {
  for (const text of says) expect(stderr).toMatch(text);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^lifealign: /);
  expect(stderr).not.toMatch(/^\s+at |defect|Error:/m);
}

/** Runs a command that must be refused without a trace of it. */
async function refused(args: readonly string[], ...says: (RegExp | string)[]): Promise<void> {
  const before = contents(folder());
  expectRefusal(await lifealign(...args), ...says);
  expect(contents(folder())).toEqual(before);
}

const score = (changes: Record<string, string> = {}) => [
  'score',
  ...Object.entries({ model: MODEL, data: ROWS, output: at('scores.jsonl'), ...changes }).flatMap(
    ([option, value]) => [`--${option}`, value],
  ),
];

/** A config over the fixture model; `changes` replace whole top-level keys. */
function config(changes: Record<string, unknown> = {}): string {
  const file = at('run.yaml');
  const stage = { epochs: 1, warmup_ratio: 0 };
  const tasks = [{ name: 'one', train: ROWS, test: ROWS }];
  writeFileSync(
    file,
    stringify({ base: MODEL, tasks, stages: { sft: stage, preference: stage }, ...changes }),
  );
  return file;
}
const train = (changes: Record<string, unknown> = {}, ...more: string[]) => [
  'train',
  config(changes),
  '--output-dir',
  at('run'),
  ...more,
];

describe('rows', () => {
  const { rejected: _, ...withoutRejected } = row;
  const laidOut = `[\n  ${json(row)},\n  {"query": "a", "chosen": "b" "rejected": "c"}\n]`;
  const cases: [string, string | Uint8Array | null, RegExp][] = [
    ['in a file that is not there', null, /data\.json: cannot read: no such file or folder/],
    ['in broken JSON', laidOut, /data\.json, line 3, row 2: invalid JSON: expected "," or "}"/],
    [
      'in broken JSONL',
      `${json(row)}\n\n${json(row).slice(0, -5)}\n`,
      /data\.json, line 3, row 2: invalid JSON/,
    ],
    ['without "rejected"', json([row, withoutRejected]), /data\.json, row 2, field "rejected": missing/],
    ['without "rejected", in JSONL', `${json(row)}\n${json(withoutRejected)}`, /line 2, row 2, field "rej/],
    [
      'whose responses are equal',
      json([row, row, { ...row, rejected: row['chosen'] }]),
      /data\.json, row 3, field "rejected": equal to "chosen"/,
    ],
    [
      'with a number for a response',
      json([{ ...row, chosen: 3 }]),
      /row 1, field "chosen": expected a text or a list of messages .*, found a number/,
    ],
    ['with an empty response', json([{ ...row, chosen: '' }]), /row 1, field "chosen": .*empty/],
    ['with a number for a prompt', json([{ ...row, query: 3 }]), /row 1, field "query"/],
    ['that are not objects', json([row, 'text']), /row 2: /],
    ['of which there are none', '[]', /data\.json: no rows/],
    ['in an empty file', '', /data\.json: the file is empty/],
    [
      'under a key',
      json({ rows: [row] }),
      /data\.json: no format was recognised: its rows have the fields "rows"/,
    ],
    ['that are not UTF-8', Uint8Array.of(0x5b, 0xff, 0x5d), /data\.json, line 1, row 1: not UTF-8/],
    [
      'that are too long for the model',
      json([row, { ...row, rejected: 'no '.repeat(2000) }]),
      /data\.json, row 2, field "rejected": the response has \d+ tokens; at most 511 leave room/,
    ],
  ];
  it.each(cases)('%s', async (_, content, message) => {
    if (content !== null) writeFileSync(at('data.json'), content);
    await refused(score({ data: at('data.json') }), message);
    // The last file of the last task, when all the others are good.
    const tasks = ['one', 'two'].map((name) => ({ name, train: ROWS, test: ROWS }));
    tasks[1]!.test = 'data.json';
    await refused(train({ tasks }), message);
  });
});

describe('a config', () => {
  it.each<[string, Record<string, unknown>, RegExp]>([
    ['with an unknown key', { methd: 'er' }, /run\.yaml, field "methd": unknown key.*Did you mean "method"/],
    [
      'with an unknown key inside',
      { lora: { ranks: 4 } },
      /field "lora\.ranks": unknown key.*Did you mean "rank"\?/,
    ],
    [
      'with rank 0',
      { lora: { rank: 0 } },
      /run\.yaml, field "lora\.rank": expected number to be >0, found 0/,
    ],
    [
      'with a target that matches nothing',
      { lora: { targets: ['q_proj', 'vproj'] } },
      /run\.yaml, field "lora\.targets": .*"vproj" matches no linear module.*Did you mean "v_proj"\?/,
    ],
    ['with an unknown method', { method: 'lifelaign' }, /field "method": .*Did you mean "lifealign"\?/],
    [
      'with an unknown objective',
      { stages: { preference: { objective: { name: 'dppo' } } } },
      /run\.yaml.*objective.*Did you mean "dpo"\?/,
    ],
    ['without tasks', { tasks: [] }, /run\.yaml, field "tasks": expected array to have >=1 items/],
    ['whose base is not there', { base: 'nowhere' }, /nowhere: no such folder or file, and no model of/],
    ['whose adapter is not there', { adapter: 'nowhere' }, /nowhere: not a PEFT adapter folder/],
    ['whose reference is not there', { reference: 'nowhere' }, /nowhere: not a PEFT adapter folder/],
  ])('%s', async (_, changes, message) => refused(train(changes), message));

  it('that is not there, or not YAML', async () => {
    await refused(['train', at('absent.yaml')], /absent\.yaml: cannot read: no such file or folder/);
    writeFileSync(at('broken.yaml'), 'base: x\ntasks: [\nmethod: er\n');
    await refused(['train', at('broken.yaml')], /broken\.yaml, line 3: invalid YAML/);
  });

  it('changed by --set into something else', async () => {
    await refused(train({}, '--set', 'sead=1'), /field "sead": unknown key.*Did you mean "seed"\?/);
    await refused(train({}, '--set', 'stages.sft.epoch=1'), /field "stages\.sft\.epoch".*"epochs"\?/);
    await refused(train({}, '--set', 'lora.rank=0'), /field "lora\.rank"/);
    await refused(train({}, '--set', 'seed'), /--set seed: expected key=value/);
    await refused(train({}, '--invalid-rows', 'ignore'), /field "invalid_rows": .*"error"\|"skip"/);
  });
});

describe('a run folder', () => {
  it('that holds a run is neither overwritten nor continued as another run', async () => {
    expect((await lifealign(...train())).code).toBe(0);
    await refused(train(), /run: holds a run already; continue it with --resume, or choose another folder/);
    await refused(
      train({}, '--resume', '--set', 'seed=5'),
      /run\/config\.yaml, field "seed": the run to resume differs: was 0, is now 5/,
    );
    await refused(train({ lora: { rank: 4 } }, '--resume'), /field "lora\.rank": .*was 8, is now 4/);
  });

  it('that is a file', async () => {
    writeFileSync(at('run'), 'mine');
    await refused(train(), /run: cannot write: /);
    expect(readFileSync(at('run'), 'utf8')).toBe('mine');
  });
});

describe('a model', () => {
  const weights = () => at('model/model.safetensors');
  const edit = (name: string, change: (content: Record<string, unknown>) => object) => () =>
    writeFileSync(at(`model/${name}`), json(change(JSON.parse(readFileSync(at(`model/${name}`), 'utf8')))));
  /** Rewrites the safetensors header to another one of the same length. */
  const rewriteHeader = (change: (header: string) => string) => () => {
    const bytes = readFileSync(weights());
    const length = Number(bytes.readBigUInt64LE());
    const header = change(bytes.toString('utf8', 8, 8 + length));
    expect(header).not.toBe(bytes.toString('utf8', 8, 8 + length));
    bytes.write(header.slice(0, length).padEnd(length), 8);
    writeFileSync(weights(), bytes);
  };

  it.each<[string, () => unknown, RegExp]>([
    [
      'of an unsupported family',
      edit('config.json', (content) => ({ ...content, model_type: 'gpt2' })),
      /config\.json, field "model_type": "gpt2" is not supported; supported: llama/,
    ],
    [
      'with an unknown RoPE',
      edit('config.json', (content) => ({ ...content, rope_scaling: { rope_type: 'yarn', factor: 2 } })),
      /config\.json, field "rope_scaling\.rope_type": "yarn" is not supported/,
    ],
    ['without config.json', () => rmSync(at('model/config.json')), /config\.json: cannot read/],
    [
      'with a broken config.json',
      () => truncateSync(at('model/config.json'), 40),
      /config\.json, line \d+: /,
    ],
    ['without weights', () => rmSync(weights()), /model: .*safetensors/],
    [
      'cut within its header',
      () => truncateSync(weights(), 100),
      /model\.safetensors: .*header of \d+ bytes/,
    ],
    [
      'cut within its tensors',
      () => truncateSync(weights(), 100_000),
      /model\.safetensors: tensor ".*" claims/,
    ],
    [
      'whose header lies about a type',
      rewriteHeader((header) => header.replace('"F32"', '"F64"')),
      /model\.safetensors: tensor ".*" has \d+ bytes where F64/,
    ],
    [
      'whose header lies about its length',
      () => writeFileSync(weights(), Buffer.concat([Buffer.alloc(7, 0xff), Buffer.alloc(2000)])),
      /model\.safetensors: .*header of \d+ bytes/,
    ],
    [
      'without a tensor that its config implies',
      edit('config.json', (content) => ({ ...content, num_hidden_layers: 3 })),
      /model\.layers\.2\..*missing/,
    ],
    ['without a tokenizer', () => rmSync(at('model/tokenizer.json')), /tokenizer\.json: cannot read/],
    [
      'without a chat template',
      edit('tokenizer_config.json', ({ chat_template: _, ...rest }) => rest),
      /model: the model has no chat template/,
    ],
    [
      'without an end-of-sequence token',
      edit('tokenizer_config.json', ({ eos_token: _, ...rest }) => rest),
      /tokenizer_config\.json, field "eos_token": missing/,
    ],
  ])('%s', async (_, damage, message) => {
    cpSync(MODEL, at('model'), { recursive: true });
    damage();
    await refused(score({ model: at('model') }), message);
    await refused(train({ base: at('model') }), message);
  });

  const gguf = tinyGguf();
  const lying = Buffer.from(gguf);
  lying.writeBigUInt64LE(1n << 60n, 8);
  it.each<[string, Buffer, RegExp]>([
    ['cut within its header', gguf.subarray(0, 200), /model\.gguf: /],
    ['cut within its tensors', gguf.subarray(0, gguf.length - 8), /model\.gguf: tensor ".*": ends at byte/],
    ['that lies about its tensors', lying, /model\.gguf: tensor count: \d+ don't fit/],
    ['that is none', Buffer.from('PK and more'), /model\.gguf: magic number: not a GGUF file/],
    [
      'of an unsupported family',
      tinyGguf({ metadata: { 'general.architecture': { type: 'string', value: 'gpt2' } } }),
      /model\.gguf: architecture "gpt2" is not supported; supported: llama/,
    ],
  ])('in a GGUF file %s', async (_, bytes, message) => {
    writeFileSync(at('model.gguf'), bytes);
    await refused(score({ model: at('model.gguf') }), message);
    expect(contents(join(folder(), 'cache')).filter((path) => /model\.|\.tmp-/.test(path))).toEqual([]);
  });

  it('that is no model at all', async () => {
    await refused(score({ model: at('nowhere') }), /nowhere: no such folder or file/);
    await refused(score({ model: ROWS }), /rows\.json: expected a folder in Hugging Face layout or a \.gguf/);
    await refused(
      score({ model: 'smolm2-135m-instruct' }),
      /no model of that name; .*Did you mean "smollm2-135m-instruct"\?/,
    );
    await refused(['models', 'pull', 'nonsense'], /no model is called "nonsense"; expected owner\/name/);
  });
});

describe('an adapter', () => {
  const option = (changes: object) => () => {
    const file = at('adapter/adapter_config.json');
    writeFileSync(file, json({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
  };
  const unsupported = (name: string) =>
    new RegExp(`adapter_config\\.json, field "${name}": .*PEFT option not supported`);

  it.each<[string, () => unknown, RegExp]>([
    ['that is not there', () => rmSync(at('adapter'), { recursive: true }), /adapter: not a PEFT adapter fo/],
    ['with use_dora', option({ use_dora: true }), unsupported('use_dora')],
    ['with use_rslora', option({ use_rslora: true }), unsupported('use_rslora')],
    ['with rank_pattern', option({ rank_pattern: { q_proj: 2 } }), unsupported('rank_pattern')],
    ['with alpha_pattern', option({ alpha_pattern: { q_proj: 2 } }), unsupported('alpha_pattern')],
    ['with modules_to_save', option({ modules_to_save: ['lm_head'] }), unsupported('modules_to_save')],
    ['with trained biases', option({ bias: 'all' }), unsupported('bias')],
    [
      'of another kind',
      option({ peft_type: 'IA3' }),
      /adapter_config\.json, field "peft_type": expected "LORA", found "IA3"/,
    ],
    ['of rank 0', option({ r: 0 }), /adapter_config\.json, field "r": expected number to be >=1, found 0/],
    ['of another rank than its matrices', option({ r: 2 }), /adapter_model\.safetensors: tensor ".*" has/],
    [
      'cut short',
      () => truncateSync(at('adapter/adapter_model.safetensors'), 5000),
      /adapter_model\.safeten/,
    ],
    [
      'of another model',
      () => cpSync(join(MODEL, '../tied-llama3/adapters/all'), at('adapter'), { recursive: true }),
      /adapter: the adapter does not fit the model: "base_model\.model\..*" (is|belongs)/,
    ],
  ])('%s', async (_, damage, message) => {
    cpSync(join(MODEL, 'adapters/all'), at('adapter'), { recursive: true });
    damage();
    await refused(score({ adapter: at('adapter') }), message);
    await refused(train({ adapter: 'adapter' }), message);
  });

  it('that consolidate cannot read', async () => {
    const good = join(MODEL, 'adapters/all');
    const args = ['consolidate', '--before', good, '--output', at('out'), '--after'];
    await refused([...args, at('nowhere')], /nowhere: not a PEFT adapter folder/);
    await refused([...args, join(MODEL, 'adapters/attention')], /--after|--before/);
    await refused([...args, good, '--threshold', '0'], /threshold/);
  });
});

describe('score', () => {
  it('refuses its options before it opens model or data', async () => {
    const nowhere = { model: at('nowhere'), data: at('nowhere.json') };
    mkdirSync(at('folder'));
    await refused(
      score({ ...nowhere, output: at('absent/o.jsonl') }),
      /absent\/o\.jsonl: cannot write: no su/,
    );
    await refused(score({ ...nowhere, output: at('absent/') }), /absent\/: cannot write: no such file/);
    await refused(
      score({ ...nowhere, output: at('folder') }),
      /folder: cannot write: it is not a regular fi/,
    );
    await refused(score({ ...nowhere, 'max-length': '0' }), /--max-length: expected a positive number/);
    await refused(score({ ...nowhere, 'invalid-rows': 'drop' }), /--invalid-rows: expected error or skip/);
  });

  it('names an option that is missing', async () => {
    const { code, stdout, stderr } = await lifealign('score', '--model', MODEL, '--data', ROWS);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/lifealign: required option '--output <file>' not specified/);
  });

  it('refuses rows of which skipping leaves none', async () => {
    writeFileSync(at('data.json'), json([{ ...row, chosen: 'long '.repeat(900) }]));
    await refused(score({ data: at('data.json'), 'invalid-rows': 'skip' }), /data\.json: no rows are left/);
  });
});

describe('as a process of its own', () => {
  it('says the same', () => {
    writeFileSync(at('data.json'), json([row, { ...row, rejected: undefined }]));
    writeFileSync(at('model.gguf'), lyingGguf());
    const before = contents(folder());
    expectRefusal(
      spawnLifealign(score({ data: at('data.json') })),
      /data\.json, row 2, field "rejected": missing/,
    );
    expectRefusal(spawnLifealign(score({ model: at('model.gguf') })), /model\.gguf: version: 1 is not supp/);
    expect(contents(folder())).toEqual(before);
    expectRefusal(spawnLifealign(train({ sead: 1 })), /field "sead": .*Did you mean "seed"\?/);
    expect(contents(folder())).toEqual([...before, 'run.yaml']);
  });

  function lyingGguf(): Buffer {
    const bytes = tinyGguf();
    bytes.writeUInt32LE(1, 4);
    return bytes;
  }
});
