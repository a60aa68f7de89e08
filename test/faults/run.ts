/**
 * The long form of test/train/kill.test.ts: `run.ts [number of kills] [seed] [--engine toy|ort]`. Left out:
 * 300 kills of the toy engine, 60 of the real one.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/support/random.ts';
import { type FaultEngine, killAndResume } from './kill.ts';

const DEFAULT_KILLS = { toy: 300, ort: 60 };

const options = { engine: { type: 'string', default: 'toy' } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
if (!Object.hasOwn(DEFAULT_KILLS, values.engine))
  throw new Error(`--engine: toy or ort, not ${values.engine}`);
const engine = values.engine as FaultEngine;
const [count = DEFAULT_KILLS[engine], seed = Date.now()] = positionals.map(Number);
const say = (line: string) => void process.stderr.write(`${line}\n`);

say(`${count} kills, seed ${seed}, engine ${engine}`);
const { kills, where, failures } = await killAndResume(count, Random.fromSeed(seed), engine, (done) => {
  say(`${done}/${count} kills`);
});
say(`${kills} kills; resumed in: ${JSON.stringify(where)}`);
for (const failure of failures) say(`FAILED: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
