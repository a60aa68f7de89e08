/**
 * A training run that someone else ends: `child.ts <folder> <engine> [--resume]`, over the stream that
 * kill.ts has put into the folder.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readRunConfig } from '../../src/train/config/resolve.ts';
import { runStream } from '../../src/train/stream.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { runToy, toyConfig } from '../train/toy-stream.ts';

const [folder = '.', engine, flag] = process.argv.slice(2);
const log = (line: string) => void process.stderr.write(`${line}\n`);
const environment = { resume: flag === '--resume', checkpointSeconds: 0.01, log };

if (engine === 'toy') {
  // A pause at every row, so that a blow falls on computing as well as on writing.
  const slow = new ToyEngine({ onRow: () => wait(1) });
  process.stdout.write('begin\n');
  await runToy(toyConfig(), { folder, engine: slow, environment });
} else {
  // Not loaded for the toy: it would take longer than the run.
  const { openModelEnvironment } = await import('../../src/train/model-environment.ts');
  const config = await readRunConfig(join(folder, 'run.yaml'));
  const model = await openModelEnvironment(config.base, { log });
  process.stdout.write('begin\n');
  const outputFolder = join(folder, 'output');
  const cacheFolder = join(folder, 'cache');
  await runStream(config, { ...model, ...environment, outputFolder, cacheFolder });
  await model.engine.close();
}
