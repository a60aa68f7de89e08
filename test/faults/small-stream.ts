/** A stream of two tasks over the small Llama model of the parity fixtures: the real engine, in seconds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Random } from '../../src/support/random.ts';

const MODEL = fileURLToPath(new URL('../parity/fixtures/models/untied-gqa', import.meta.url));
const TASKS = ['short', 'long'];
const WORDS = 'the sea is blue and a fox runs over every hill to greet one old friend'.split(' ');
const [TRAIN_ROWS, TEST_ROWS, EPOCHS, BATCH_SIZE] = [12, 40, 2, 3];

/** Steps of the first task's SFT, its preference stage, and the second task's, which replays a fifth of it. */
export const STAGE_STEPS = [TRAIN_ROWS, TRAIN_ROWS, TRAIN_ROWS + 2, TRAIN_ROWS + 2].map(
  (rows) => EPOCHS * Math.ceil(rows / BATCH_SIZE),
);

/** Writes data and `run.yaml`; the first task prefers short answers, the second long ones. */
export function writeSmallStream(folder: string): void {
  const random = Random.fromSeed(5);
  const text = (words: number) =>
    Array.from({ length: words }, () => WORDS[random.integer(WORDS.length)]).join(' ');
  for (const task of TASKS) {
    const row = () => {
      const [few, many] = [text(1 + random.integer(2)), text(5 + random.integer(4))];
      const [chosen, rejected] = task === 'short' ? [few, many] : [many, few];
      return { query: text(2 + random.integer(4)), chosen, rejected };
    };
    const rows = (count: number) => JSON.stringify(Array.from({ length: count }, row));
    writeFileSync(join(folder, `${task}-train.json`), rows(TRAIN_ROWS));
    writeFileSync(join(folder, `${task}-test.json`), rows(TEST_ROWS));
  }
  const stage = { epochs: EPOCHS, batch_size: BATCH_SIZE, warmup_ratio: 0, learning_rate: 0.01 };
  const config = {
    base: MODEL,
    method: 'lifealign',
    lora: { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] },
    tasks: TASKS.map((name) => ({ name, train: `${name}-train.json`, test: `${name}-test.json` })),
    stages: { sft: stage, preference: stage },
    general: { limit: 4, max_new_tokens: 3 },
    max_length: 512,
  };
  writeFileSync(join(folder, 'run.yaml'), stringify(config));
}
