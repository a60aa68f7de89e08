/** The `memory` commands as their users meet them. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeMemoryConfig } from '../../src/memory/store/config.ts';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { clock, learnSmall, rowText, smallTask } from '../memory/store/small-memory.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const memory = () => at('memory');

/** A memory on the small model, with tasks learned. */
async function makeMemory(...tasks: string[]): Promise<void> {
  const made = await run('init', '--base', MODEL, '--set', 'lora.rank=2');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toMatch(/memory: a memory for .*untied-gqa; version 0 is [0-9a-f]{12}\n$/);
  const writer = await lockMemory(memory(), { now: clock() });
  for (const task of tasks) await learnSmall(writer, task, { stages: ['preference'] });
  writer.release();
}

const run = (...args: string[]) => lifealign('memory', ...args, '--memory', memory());

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout } = await run(...args, '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

it('log lists versions, newest first, and where the head has been', async () => {
  await makeMemory('tone', 'policy');
  await run('revert', '1', '--note', 'too eager');
  const { stdout } = await run('log');
  expect(stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))).toEqual([
    'version commit task stage time (UTC) own task all tasks note',
    expect.stringMatching(
      /^2 [0-9a-f]{12} policy preference 2026-01-01 00:02 75\.0 75\.0 \(not in the head\) about policy$/,
    ),
    expect.stringMatching(/^\* 1 [0-9a-f]{12} tone preference 2026-01-01 00:00 75\.0 75\.0 about tone$/),
    expect.stringMatching(/^0 [0-9a-f]{12} root .* - -$/),
    '',
  ]);
  expect(await json('log')).toMatchObject({
    head: 1,
    versions: [
      { version: 2, state: 'left_out' },
      { version: 1, state: 'head', task: 'tone' },
      { version: 0 },
    ],
  });
  expect(await json('log', '--moves')).toMatchObject({
    moves: [
      { action: 'revert', head: 1, added: [], note: 'too eager' },
      { action: 'learn', head: 2, added: [2] },
      { action: 'learn', head: 1 },
      { action: 'init', head: 0 },
    ],
  });
});

it('show explains a version', async () => {
  await makeMemory('tone', 'policy');
  const { stdout } = await run('show');
  expect(stdout).toMatch(/^version 2: the stage preference of the task policy\n {2}commit {5}[0-9a-f]{64}\n/);
  expect(stdout).toContain('on q_proj, v_proj; it holds the tasks tone, policy\n');
  expect(stdout).toContain('6 to train, 2 for the gate, 2 to report\n');
  expect(stdout).toMatch(
    /directions of change [\d.]+ were kept on average \(\d to \d\),\n {2}with [\d.]+ % of the change's energy/,
  );
  expect(stdout).toMatch(
    /[\d.]+ % of what was kept lay in directions of earlier stages; of that part 0\.5 was merged/,
  );
  expect(stdout).toMatch(/policy +2 +50\.0 +75\.0 +25\.0/);
  const shown = await json('show', 'head~1');
  expect(shown).toMatchObject({
    version: 1,
    task: 'tone',
    parent_version: 0,
    learned_versions: [1],
    buffer: { rows: 2 },
  });
  const reports = (shown['consolidation'] as { reports: object }).reports;
  expect(Object.keys(reports)).toContain('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight');
  expect((await run('show', '9')).stderr).toMatch(/^lifealign: version 9: the newest version is 2; expected/);
});

it('revert and export give the very adapter', async () => {
  await makeMemory('tone', 'policy');
  const store = await MemoryStore.open(memory());
  const [, tone] = await store.versions();
  expect((await run('revert', 'head~1')).stdout).toMatch(
    /^the head is version 1 .* "memory revert 2" brings back\n$/,
  );
  expect((await run('revert', '1')).stdout).toBe('version 1 is the head already\n');
  expect((await run('export', '--output', at('adapter'))).stdout).toBe(
    `${at('adapter')}: the adapter of version 1\n`,
  );
  expect(adapterHash(await readPeftAdapter(at('adapter')))).toBe(adapterHash(await store.adapter(tone!)));
  expect((await run('export', '--output', at('adapter'))).stderr).toContain('the folder already exists');
});

it('init begins with a given adapter, and refuses settings that would have no effect', async () => {
  const given = join(MODEL, 'adapters/all');
  const init = (...more: string[]) => run('init', '--base', MODEL, '--adapter', given, ...more);
  expect((await init('--set', 'lora.rank=4')).stderr).toMatch(
    /it has its own rank, alpha and targets; leave lora out/,
  );
  expect(existsSync(memory())).toBe(false);
  expect((await init()).code).toBe(0);
  const store = await MemoryStore.open(memory());
  const adapter = await readPeftAdapter(given);
  expect(adapterHash(await store.adapter((await store.head()).commit))).toBe(adapterHash(adapter));
  expect((await store.config()).lora.rank).toBe(adapter.settings.rank);
  expect((await init()).stderr).toMatch(/memory: a memory is there already\n$/);
});

it.each([
  [['--set', 'lora.rang=3'], /field "lora\.rang": unknown key; expected one of rank, alpha, targets/],
  [['--set', 'seed=-1'], /field "seed": expected number to be >=0, found -1/],
  [
    ['--set', 'lora.targets=[nowhere]'],
    /field "lora\.targets": lora target "nowhere" matches no linear module/,
  ],
])('init %s is refused, and makes nothing', async (flags, message) => {
  const { code, stderr } = await run('init', '--base', MODEL, ...flags);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  expect(existsSync(memory())).toBe(false);
});

it('init looks for what a file of settings names beside the file', async () => {
  const settings = at('settings.yaml');
  const base = relative(folder(), MODEL);
  writeFileSync(
    settings,
    `base: ${base}\nlora: {rank: 2}\nlearn: {general: {rows: talk.json}, gate: {budget: 3}}\n`,
  );
  expect((await run('init', '--config', settings)).code).toBe(0);
  expect(await json('config')).toMatchObject({
    base: MODEL,
    learn: { general: { rows: at('talk.json') }, gate: { budget: 3, min_gain: 0 } },
  });
  expect((await run('config', '--set', 'learn.gate.budged=1')).stderr).toMatch(
    /field "learn\.gate\.budged": unknown key; .* Did you mean "budget"/,
  );
});

it('config shows and changes settings, and takes over what was changed by hand', async () => {
  await makeMemory();
  expect(await json('config')).toMatchObject({ seed: 0, lora: { rank: 2, alpha: 16 } });
  expect((await run('config', '--set', 'seed=5')).stdout).toMatch(/^seed: 5$/m);
  expect(await run('config', '--set', 'base=tiny')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the base .* has another hash than that which this memory was made with/),
  });
  expect((await run('config', '--set', 'lora.rank=8')).stderr).toMatch(
    /field "lora\.rank".*adapters have 2; make another memory for 8/,
  );
  const file = join(memory(), 'config.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('seed: 5', 'seed: 6'));
  expect(await run('config')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('memory config --accept'),
  });
  expect((await run('verify')).stdout).toMatch(
    /^damaged: config\.yaml: its checksum is not that of its content; if you/,
  );
  expect((await run('config', '--accept')).code).toBe(0);
  expect(await json('config')).toMatchObject({ seed: 6 });
});

it('verify tells damage by file and version, with exit code 2; --prune removes what nothing refers to', async () => {
  await makeMemory('tone');
  expect(await run('verify', '--replay')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+ files read, 2 versions made again: all as written\n$/),
  });
  const left = join(memory(), 'objects', `${'a'.repeat(64)}.json.tmp-0123456789ab`);
  writeFileSync(left, 'half');
  expect((await run('verify')).stdout).toContain('what nothing refers to harms nothing; --prune removes it');
  expect((await run('verify', '--prune')).stdout).toMatch(/^removed: objects\/a{64}\.json\.tmp-/);
  expect(existsSync(left)).toBe(false);

  const store = await MemoryStore.open(memory());
  const { refined } = await store.resolve('1');
  rmSync(join(memory(), 'objects', `${refined}.safetensors`));
  const { code, stdout, stderr } = await run('verify');
  expect(stdout).toMatch(`damaged: objects/${refined}.safetensors: it is missing (version 1 needs it)\n`);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/memory: 1 file damaged\n$/) });
  expect((await run('verify', '--prune')).stderr).toMatch(/1 file damaged; nothing was removed\n$/);
});

it('drop takes a task out, saying what that is not', async () => {
  await makeMemory('tone', 'policy');
  const { code, stdout } = await run('drop', 'tone', '--no-measure', '--note', 'gone');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^the head is version 3 .* the memory without tone \(version 1\),\n/);
  expect(stdout).toContain('10 rows of tone withdrawn');
  expect(stdout).toContain('no certified unlearning: policy was trained on top of what tone had changed');
  expect((await run('show')).stdout).toMatch(/^version 3: the memory without the task tone/);
  expect((await run('drop', 'tone', '--no-measure')).stderr).toMatch(
    /version 3 has no task "tone"; it has learned policy/,
  );
  expect((await run('verify', '--replay')).code).toBe(0);
});

it('drop measures the effect on every task, the dropped one too', async () => {
  await makeMemory('tone', 'policy');
  const dropped = await json('drop', 'policy');
  const metrics = dropped['metrics'] as Record<'before' | 'after', Record<string, { margin: number }>>;
  expect(Object.keys(metrics.before)).toEqual(['tone', 'policy']);
  // Without both there is nothing between the adapter and the base but what tone changed.
  expect(metrics.after['policy']?.margin).not.toBe(metrics.before['policy']?.margin);
  const last = await json('drop', 'tone');
  expect(last['metrics']).toMatchObject({ after: { tone: { rows: 2, margin: 0 } } });
  expect((await run('show')).stdout).toMatch(/^tone +2 /m);
});

describe('diff', () => {
  it('compares two versions task by task, and what they answer', async () => {
    await makeMemory('tone', 'policy');
    const { stdout } = await run('diff', '0', 'head', '--answers', '1', '--max-new-tokens', '4');
    expect(stdout).toMatch(
      /^from version 0 to version 2: the adapter's matrices change by [\d.]+ % of their norm\n/,
    );
    expect(stdout).toContain('tasks that only version 2 has learned: tone, policy\n');
    expect(stdout).toMatch(/^tone +2 .* 0\.00 /m);
    expect(stdout).toMatch(
      /\ntone: tone: what about 8\?\n {2}before .*\n {2}after .*\n {2}preferred {2}yes to 8\n/,
    );
    expect(stdout.match(/^ {2}preferred {2}/gm)).toHaveLength(2);
    expect(await json('diff', '1', '1', '--answers', '0')).toMatchObject({
      measured: true,
      relative_change: 0,
      tasks_from: ['tone'],
      answers: [],
    });
  });

  it("shows no text of a private task's rows, nor answers to them", async () => {
    await makeMemory();
    const writer = await lockMemory(memory(), { now: clock() });
    await learnSmall(writer, 'secret', { stages: ['preference'], private: true });
    writer.release();
    for (const flags of [[], ['--json']]) {
      const { stdout, stderr } = await run('diff', '0', 'head', '--max-new-tokens', '4', ...flags);
      expect(stdout).toContain('secret');
      expect(stdout + stderr).not.toMatch(/what about|yes to/);
    }
  });

  it('compares what was recorded where the base is not at hand, and says so', async () => {
    await makeMemory('tone', 'policy');
    const store = await MemoryStore.open(memory());
    await writeMemoryConfig(store.layout.config, { ...(await store.config()), base: at('gone') });
    const { code, stdout, stderr } = await run('diff', '1', '2');
    expect(stderr).toMatch(/^warning: the base is not at hand, so recorded scores are compared: .*gone/m);
    expect(code).toBe(0);
    expect(stdout).toMatch(/as recorded when the versions were made:\n/);
    expect(stdout).toMatch(/^tone +2 +75\.0 /m);
    const { stderr: silent } = await run('diff', '1', '2', '--no-measure');
    expect(silent).toBe('');
    expect((await run('drop', 'tone')).code).toBe(2);
    expect((await store.head()).commit.number).toBe(2);
  });
});

it('what the gate refused is told apart, and its rows can be withdrawn', async () => {
  await makeMemory('tone');
  const writer = await lockMemory(memory(), { now: clock() });
  await writer.keepAside(await smallTask(writer.store, 'bad', { stages: ['sft'] }), 'refused by the gate');
  writer.release();
  expect((await run('log')).stdout).toMatch(/ 2 .* bad .*\(kept aside: refused by the gate\) about bad/);
  expect(await json('log')).toMatchObject({ versions: [{ version: 2, state: 'aside' }, {}, {}] });
  expect((await run('show', '2')).stdout).toMatch(/refused +by the gate/);
  expect(await run('drop', 'bad', '--no-measure')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/no task "bad"; .*"memory forget --task bad" withdraws them/),
  });
  expect(await json('forget', '--task', 'bad', '--dry-run')).toMatchObject({ withdrawn: 0 });
  expect(await json('forget', '--task', 'bad')).toMatchObject({
    withdrawn: 10,
    touched: [{ version: 2, trained: 6, gate: 2, report: 2 }],
  });
  for (const [args, message] of [
    [['--task', 'bad'], /it has no rows of a task "bad"; it has rows of tone/],
    [[], /expected --rows FILE or --task NAME/],
  ] as const) {
    const { code, stderr } = await run('forget', ...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
  }
  // Taken all the same, it is refused no more.
  await run('revert', '2');
  await run('revert', '1');
  expect(await json('log')).toMatchObject({ versions: [{ version: 2, state: 'left_out' }, {}, {}] });
});

it('forget withdraws rows by text or id, and lists the versions they touched', async () => {
  await makeMemory('tone', 'policy');
  const file = at('person.json');
  const person = [rowText('tone', 0), rowText('nobody', 0)];
  writeFileSync(file, JSON.stringify(person));
  expect((await run('forget', '--rows', file, '--dry-run')).stdout).toMatch(
    /^1 row of tone would be withdrawn\n/,
  );
  const { stdout } = await run('forget', '--rows', file, '--reason', 'asked');
  expect(stdout).toMatch(
    /^1 row of tone withdrawn from the memory's store, buffer and cache\nnot in the memory: row 2 of the file\n/,
  );
  const table = stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  expect(table).toContain('1 tone preference 1 0 0 0');
  expect(table).toContain('2 policy preference 0 1 0 0');
  expect(stdout).toContain('no certified unlearning');
  expect(
    readdirSync(memory(), { recursive: true })
      .map(String)
      .filter((name) => name.startsWith('rows/')).length,
  ).toBe(2);

  const store = await MemoryStore.open(memory());
  const [id] = [...(await store.withdrawn()).keys()];
  writeFileSync(file, `${JSON.stringify({ id })}\n`);
  expect(await json('forget', '--rows', file)).toMatchObject({
    withdrawn: 0,
    withdrawn_before: 1,
    not_found: [],
    touched: [{ version: 1 }, { version: 2 }],
    certified_unlearning: false,
  });
});

it('another writer is named, with exit code 2', async () => {
  await makeMemory();
  const writer = await lockMemory(memory());
  const { code, stderr } = await run('revert', '0');
  writer.release();
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: `lifealign: ${memory()}: process ${process.pid} is at work there; wait for its end, or stop it\n`,
  });
});

it('a folder that is not there is named, and is not made', async () => {
  for (const args of [['log'], ['verify'], ['revert', '0'], ['drop', 'x']]) {
    const { code, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${memory()}: no such folder; "lifealign memory init --memory`),
    });
  }
  expect(existsSync(memory())).toBe(false);
});

it('versions go out in every format, verified, with the base that the memory names', async () => {
  await makeMemory('tone', 'policy');
  const out = (name: string, ...more: string[]) =>
    lifealign('export', '--memory', memory(), '--format', 'merged', '--output', at(name), ...more);
  const scores = async (...flags: string[]) => {
    const output = at('scores.jsonl');
    expect((await lifealign('score', ...flags, '--data', ROWS, '--output', output)).code).toBe(0);
    return readFileSync(output, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).chosen_logp as number);
  };
  for (const [name, version] of [
    ['newest', []],
    ['older', ['--memory-version', '1']],
  ] as const) {
    const { code, stderr } = await out(name, ...version);
    expect(code, stderr).toBe(0);
    const peft = at(`${name}-peft`);
    expect((await run('export', version[1] ?? 'head', '--output', peft)).code).toBe(0);
    const [merged, apart] = [
      await scores('--model', at(name)),
      await scores('--model', MODEL, '--adapter', peft),
    ];
    for (const [row, value] of merged.entries()) expect(value / apart[row]!).toBeCloseTo(1, 4);
  }
  expect(await scores('--model', at('newest'))).not.toEqual(await scores('--model', at('older')));
  for (const [flags, message] of [
    [['--model', MODEL], /leave out --model/],
    [['--memory-version', '9'], /version 9: the newest version is 2/],
  ] as const) {
    const refused = await out('none', ...flags);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(message);
  }
});
