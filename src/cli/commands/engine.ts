/** `lifealign engine install|doctor`: what engines run on, and the environment that the torch engine needs. */
import type { Command } from 'commander';
import type { Finding } from '../../engine/torch/doctor.ts';
import { UserError } from '../../support/errors.ts';
import { interruptible } from '../interrupt.ts';

interface InstallFlags {
  readonly device: string;
  readonly quantization?: true;
  readonly torchIndex?: string;
  readonly python?: string;
  readonly force?: true;
}

export function registerEngine(program: Command): void {
  const engine = program.command('engine').description('what models run on');
  engine
    .command('install')
    .description("make the torch engine's Python environment, versions locked")
    .argument('<engine>', 'torch (the engine ort is always there)')
    .option('--device <device>', 'cpu, or cuda with its libraries (several GB)', 'cpu')
    .option('--quantization', 'with bitsandbytes, which bases in 4 or 8 bits need')
    .option('--torch-index <url>', 'where pip finds a torch without CUDA, if not where it looks anyway')
    .option('--python <program>', 'the Python to make it from, 3.11 or newer', 'python3')
    .option('--force', 'make it afresh where there is one')
    .action(install);
  engine
    .command('doctor')
    .description('what there is of what each engine needs, and why something is missing')
    .option('--json', 'as JSON')
    .action(doctor);
}

async function install(name: string, flags: InstallFlags): Promise<void> {
  if (name !== 'torch') throw new UserError(`engine install: expected torch, got "${name}"`);
  const { device, quantization = false, torchIndex, python, force = false } = flags;
  if (device !== 'cpu' && device !== 'cuda') {
    throw new UserError(`--device: expected cpu or cuda, got "${device}"`);
  }
  const { installTorch } = await import('../../engine/torch/install.ts');
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const given = {
    ...(torchIndex === undefined ? {} : { torchIndex }),
    ...(python === undefined ? {} : { python }),
  };
  const interpreter = await interruptible({ reason: 'interrupted; nothing was installed' }, (signal) =>
    installTorch({ device, quantization, force, log, signal, ...given }),
  );
  process.stdout.write(`${interpreter}\n`);
}

async function doctor({ json = false }: { readonly json?: boolean }): Promise<void> {
  const { examineTorch } = await import('../../engine/torch/doctor.ts');
  const { createRequire } = await import('node:module');
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
  const engines: Record<string, readonly Finding[]> = {
    ort: [{ name: 'onnxruntime-node', state: 'ok', detail: version }],
    torch: await examineTorch(),
  };
  process.stdout.write(json ? `${JSON.stringify(engines, null, 2)}\n` : table(engines));
}

function table(engines: Readonly<Record<string, readonly Finding[]>>): string {
  const lines = Object.entries(engines).flatMap(([engine, findings]) => {
    const works = findings.every(({ state }) => state !== 'missing');
    const width = Math.max(...findings.map(({ name }) => name.length));
    return [
      `${engine}: ${works ? 'works' : 'does not work here'}`,
      ...findings.map(({ name, state, detail }) => `  ${state.padEnd(7)}  ${name.padEnd(width)}  ${detail}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}
