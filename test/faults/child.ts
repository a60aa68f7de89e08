/** A training run that someone else ends: `child.ts <folder> [--resume]`, over the toy stream in the folder. */
import { setTimeout as wait } from 'node:timers/promises';
import { ToyEngine } from '../train/toy-engine.ts';
import { runToy, toyConfig } from '../train/toy-stream.ts';

const [folder = '.', flag] = process.argv.slice(2);

// A pause at every row, so that a blow falls on computing as well as on writing.
const engine = new ToyEngine({ onRow: () => wait(1) });
process.stdout.write('begin\n');
await runToy(toyConfig(), {
  folder,
  engine,
  environment: {
    resume: flag === '--resume',
    checkpointSeconds: 0.01,
    log: (line) => void process.stderr.write(`${line}\n`),
  },
});
