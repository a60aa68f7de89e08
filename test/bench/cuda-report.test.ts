/** What is told of measurements on a GPU, also where one side's could not be taken. */
import { expect, it } from 'vitest';
import { type CudaMeasurement, cudaReport, type Row } from '../../bench/torch/cuda-report.ts';

const row = (name: string, isOurs: boolean, speed: number): Row => ({
  ...{ name, isOurs, perRepeat: [speed], peakDeviceBytes: null, firstLoss: 0.7, firstLogp: -5, seconds: 1 },
  tokensPerSecond: { median: speed, least: speed, most: speed },
});
const measurement = (measured: readonly Row[]): CudaMeasurement => ({
  ...{ shape: 'small', set: 'rows', rows: 48, repeats: 1, parameters: 1e9, versions: {}, measured },
  workload: { promptLength: 10, responseLength: 5 },
  machine: { cpu: 'one', cores: 2, memoryBytes: 2 ** 30, instructionSets: null, platform: 'linux x64' },
});

it('sets our quickest beside each peer, in speed', () => {
  const rows = [row('slow', true, 20), row('quick', true, 40), row('peer', false, 10)];
  const { comparisons, markdown } = cudaReport(measurement(rows));
  expect(comparisons.map(({ name, ratio }) => [name, ratio])).toEqual([['small, rows: quick, peer', 4]]);
  expect(markdown).toContain('4.00 ×');
});

it('tells what there is where one side could not be measured', () => {
  const peer = cudaReport(measurement([row('peer', false, 10)]));
  expect(peer.comparisons).toEqual([]);
  expect(peer.markdown).toContain('| peer');
  expect(cudaReport(measurement([row('quick', true, 40)])).comparisons).toEqual([]);
});
