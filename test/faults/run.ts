/** The long form of kill.test.ts: `run.ts [number of kills] [seed]`, 300 kills if it is left out. */
import { Random } from '../../src/support/random.ts';
import { killAndResume } from './kill.ts';

const [count = 300, seed = Date.now()] = process.argv.slice(2).map(Number);
const say = (line: string) => void process.stderr.write(`${line}\n`);

say(`${count} kills, seed ${seed}`);
const { kills, where, failures } = await killAndResume(count, Random.fromSeed(seed), (done) => {
  say(`${done}/${count} kills`);
});
say(`${kills} kills; resumed in: ${JSON.stringify(where)}`);
for (const failure of failures) say(`FAILED: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
