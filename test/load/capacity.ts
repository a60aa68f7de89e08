/** bench/results/service-load.md: what `npm run test:load` measured, for whoever plans an installation. */
import { describeMachine, machineLine } from '../../bench/shared/machine.ts';
import { table } from '../../bench/shared/summary.ts';

export interface Measured {
  /** What was loaded, its figures, whether its target was met. */
  readonly measured: readonly (readonly [string, object, boolean])[];
  readonly seconds: number;
  /** Processes at work on the machine before the load began. */
  readonly loadBefore: number;
}

export function capacityPage({ measured, seconds, loadBefore }: Measured): string {
  const machine = describeMachine();
  const rows = measured.map(([what, figures, held]) => [
    what.replace(/, seed \d+$/, ''),
    Object.entries(figures)
      .map(([name, value]) => `${name} ${Number((value as number).toFixed(1))}`)
      .join(', '),
    held ? 'yes' : 'no',
  ]);
  const busy =
    loadBefore < 0.5 * machine.cores
      ? 'The machine had nothing else to do.'
      : `The machine was at other work (load ${loadBefore.toFixed(1)} before it began), which takes from these figures.`;
  return [
    '# Measured capacity',
    '',
    'Written by `npm run test:load -- --record`. The load and the service share the machine, over loopback; feedback is',
    `sent at up to 1,200 pieces a second over 32 connections, chat by 64 clients at once, for ${seconds} seconds each.`,
    'Times are milliseconds, memory is megabytes; `lost` is what was acknowledged and then not there.',
    '',
    `${machineLine(machine)}, ${new Date().toISOString().slice(0, 10)}. ${busy}`,
    '',
    table(['load', 'measured', 'target met'], rows).trimEnd(),
    '',
  ].join('\n');
}
