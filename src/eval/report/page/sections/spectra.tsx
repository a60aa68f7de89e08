/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** The singular spectra of a run's updates, stage after stage: a small chart for each kind of LoRA matrix. */
import { decimal } from '../../../number-text.ts';
import type { RunRecord } from '../../record/run.ts';
import { consolidatedStages, loraMatrices, type Spectrum, spectrumOf } from '../../stages.ts';
import { SharedAxes, smallPanel } from '../charts/frame.tsx';
import { LineChart } from '../charts/line-chart.tsx';
import { extentOf, logScale, powerTicks, wholeTicks, xScale } from '../charts/scales.ts';

/** Below this a singular value is rounding. */
const LEAST = 1e-6;

/** In a longer stream, dots would make the page heavy. */
const MOST_DOTTED = 60;

/** All on one scale. */
export function Spectra({ run, style }: { readonly run: RunRecord; readonly style: number }) {
  const panels = consolidatedStages(run).flatMap(({ task, stage, record }) =>
    loraMatrices.flatMap((kind) => {
      const spectrum = spectrumOf(record.matrices, kind);
      return spectrum
        ? [{ title: `${task + 1} ${run.results.tasks[task]}, ${stage}: ${kind}`, spectrum }]
        : [];
    }),
  );
  const lows = panels.flatMap(({ spectrum }) => spectrum.values.map(({ low }) => Math.max(low, LEAST)));
  const y = logScale(smallPanel, extentOf(lows, [0.1, 1]));
  const lengths = [...new Set(panels.map(({ spectrum }) => spectrum.values.length))];
  const axesOf = (length: number) => `axes-spectrum-${style + 1}-${length}`;
  return (
    <div class="charts small">
      {lengths.map((length) => (
        <SharedAxes
          id={axesOf(length)}
          plot={smallPanel}
          xTicks={wholeTicks(placesOf(length), 1, length, 22)}
          yTicks={powerTicks(y, 4)}
          xLabel="singular value"
          yLabel="of the largest"
        />
      ))}
      {panels.map(({ title, spectrum }, at) => (
        <SpectrumChart
          id={`spectrum-${style + 1}-${at + 1}`}
          title={title}
          spectrum={spectrum}
          style={style}
          y={y}
          axes={axesOf(spectrum.values.length)}
          dots={panels.length <= MOST_DOTTED}
        />
      ))}
    </div>
  );
}

function placesOf(length: number) {
  return xScale(smallPanel, extentOf([1, length]));
}

interface SpectrumChartProps {
  readonly id: string;
  readonly title: string;
  readonly spectrum: Spectrum;
  readonly style: number;
  readonly y: ReturnType<typeof logScale>;
  readonly axes: string;
  readonly dots: boolean;
}

function SpectrumChart({ id, title, spectrum, style, y, axes, dots }: SpectrumChartProps) {
  const { values, medianRank, matrices } = spectrum;
  const rank = decimal(medianRank, medianRank % 1 === 0 ? 0 : 1);
  const points = values.map(({ low, median, high }, at) => ({
    x: at + 1,
    y: Math.max(median, LEAST),
    low: Math.max(low, LEAST),
    high: Math.max(high, LEAST),
  }));
  return (
    <LineChart
      id={id}
      title={title}
      description={`Normalised singular values over ${matrices} matrices; median kept rank ${rank} of ${values.length}.`}
      plot={smallPanel}
      x={placesOf(values.length)}
      y={y}
      axes={axes}
      note={`kept ${rank} of ${values.length}`}
      dots={dots}
      series={[{ name: 'median', style, points }]}
      xGuides={[{ at: medianRank, text: `median kept rank ${rank}` }]}
      shown={({ x: place, y: value }) => `${value.toPrecision(3)} at ${place}`}
    />
  );
}
