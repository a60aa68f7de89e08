/** Opens the torch engine: from settings to the command that starts the worker. */
import { availableParallelism } from 'node:os';
import type { ModelFolder } from '../../model/model-folder.ts';
import { findPython, workerPackage } from './python.ts';
import { type TorchSettings, type TorchSettingsInput, torchSettings } from './settings.ts';
import { TorchEngine } from './torch-engine.ts';
import { startWorker, type WorkerCommand } from './worker-process.ts';

export interface TorchEngineOptions {
  readonly settings?: Omit<TorchSettingsInput, 'name'>;
  /** Of all ranks of this machine together; left out: as many as there are processors. */
  readonly threads?: number;
  /** The Python to use, instead of the installed or named one. */
  readonly python?: string;
  /** Ends the start of the worker. */
  readonly signal?: AbortSignal;
}

/**
 * Starts the worker and loads the model there.
 * @throws {UserError} where there is no Python with torch, or the worker cannot load the model
 */
export async function createTorchEngine(
  model: ModelFolder,
  options: TorchEngineOptions = {},
): Promise<TorchEngine> {
  const settings = torchSettings.parse({ name: 'torch', ...options.settings });
  const python = options.python ?? (await findPython());
  const threads = options.threads ?? availableParallelism();
  const worker = await startWorker(workerCommand(python, model.path, settings, threads), options.signal);
  try {
    return new TorchEngine(model, worker, settings);
  } catch (error) {
    await worker.close();
    throw error;
  }
}

function workerCommand(
  python: string,
  model: string,
  settings: TorchSettings,
  threads: number,
): WorkerCommand {
  const { ranks, launch } = settings;
  const each = String(Math.max(1, Math.floor(threads / ranks)));
  const torchrun = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', `${ranks}`];
  const own = ranks === 1 ? [python] : [python, ...torchrun];
  const [program, ...start] = launch ?? own;
  const flags = ['dtype', 'quantization', 'device', 'parallel', 'attention'] as const;
  return {
    program: program!,
    args: [
      ...start,
      ...['-m', 'lifealign_worker', '--model', model, '--threads', each],
      ...flags.flatMap((flag) => [`--${flag}`, settings[flag]]),
      ...(settings.gradient_checkpointing ? ['--checkpointing'] : []),
      ...(settings.trust_remote_code ? ['--trust-remote-code'] : []),
    ],
    packageFolder: workerPackage,
    // torchrun would set it to 1, and say so.
    env: { OMP_NUM_THREADS: each },
  };
}
