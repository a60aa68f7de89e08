/** Curves that can be pointed at (uPlot), with the same numbers as a table for who does not see or point. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { decimal } from '../../../src/eval/number-text.ts';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';

export interface Curve {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

interface LinePlotProps {
  readonly title: string;
  /** What the places are called, one for each value. */
  readonly places: readonly string[];
  readonly curves: readonly Curve[];
  readonly unit: string;
  readonly digits?: number;
  /** The least range of the vertical axis. */
  readonly range?: readonly [number, number];
  /** A place from which on what is shown was left out. */
  readonly cut?: number;
}

const HEIGHT = 240;
/** As many as there are colours in the style sheet. */
const COLOURS = 8;

export function LinePlot({ title, places, curves, unit, digits = 1, range, cut }: LinePlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const shape = JSON.stringify([places, curves, range, cut]);
  // `shape` stands for all of them, which are new with every render.
  useEffect(() => {
    const parent = box.current;
    if (parent === null) return;
    const draw = () => {
      parent.replaceChildren();
      return new uPlot(
        optionsOf(parent),
        [places.map((_, at) => at), ...curves.map(({ values }) => [...values])],
        parent,
      );
    };
    let plot = draw();
    const resized = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height: HEIGHT }));
    resized.observe(parent);
    // Colours of a canvas are what they were when it was drawn.
    const recoloured = new MutationObserver(redraw);
    recoloured.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', redraw);
    function redraw() {
      plot.destroy();
      plot = draw();
    }
    return () => {
      resized.disconnect();
      recoloured.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.destroy();
    };
  }, [shape]);

  function optionsOf(parent: HTMLElement): uPlot.Options {
    const colour = (name: string) => coloursOf(parent)(name);
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--rule'), width: 1 },
      ticks: { stroke: colour('--rule') },
    };
    return {
      width: Math.max(parent.clientWidth, 100),
      height: HEIGHT,
      legend: { show: false },
      scales: {
        x: { time: false, range: (_, low, high) => [low - 0.2, high + 0.2] },
        ...(range ? { y: { range: [...range] as [number, number] } } : {}),
      },
      axes: [
        {
          ...axis,
          // Places are whole.
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
          values: (_, at) =>
            at.map((place) => (Number.isInteger(place) ? shortened(places[place] ?? '') : '')),
        },
        { ...axis, size: 46 },
      ],
      series: [
        {},
        ...curves.map(({ name }, at) => ({
          ...{ label: name, stroke: colour(`--s${at % COLOURS}`), width: 2, spanGaps: true },
          ...(at >= COLOURS ? { dash: [6, 3] } : {}),
          points: { show: true, size: 6 },
        })),
      ],
      cursor: { y: false, drag: { x: false, y: false } },
      hooks: cut === undefined ? {} : { drawAxes: [(plot: uPlot) => markCut(plot, cut, colour('--soft'))] },
    };
  }

  return (
    <figure class="plot">
      <figcaption>
        <bdi>{title}</bdi> <span class="note">{unit}</span>
      </figcaption>
      <div ref={box} aria-hidden="true" class="canvas" />
      <ul class="legend" aria-hidden="true">
        {curves.map(({ name }, at) => (
          <li key={name}>
            <i class={`key s${at % COLOURS}`} /> <bdi>{name}</bdi>
          </li>
        ))}
      </ul>
      <details class="numbers">
        <summary>The numbers of: {title}</summary>
        <ScrollBox label={`numbers of ${title}`}>
          <table class="grid">
            <thead>
              <tr>
                <th scope="col">at</th>
                {curves.map(({ name }) => (
                  <th scope="col" key={name}>
                    <bdi>{name}</bdi>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {places.map((place, at) => (
                <tr key={at}>
                  <th scope="row">
                    <bdi>{place}</bdi>
                  </th>
                  {curves.map(({ name, values }) => (
                    <td key={name}>{decimal(values[at] ?? null, digits)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      </details>
    </figure>
  );
}

/** A canvas knows no variables: an element that has the colour is asked what it is. */
function coloursOf(parent: HTMLElement): (variable: string) => string {
  return (variable) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${variable})`;
    parent.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

function markCut(plot: uPlot, cut: number, colour: string): void {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(cut, 'x', true);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function shortened(name: string): string {
  return name.length <= 14 ? name : `${name.slice(0, 13)}…`;
}
