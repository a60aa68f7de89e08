/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What consolidation kept of each stage's update, and how much of it lay where earlier ones had gone. */
import { decimal } from '../../../number-text.ts';
import { consolidatedStages, oldShare } from '../../stages.ts';
import { BarChart } from '../charts/bar-chart.tsx';
import { HeatLegend, HeatTable } from '../charts/heat-table.tsx';
import { heatScale } from '../colours.ts';
import { MissingNotes, Section, type SectionProps, Tables } from '../section.tsx';
import { Spectra } from './spectra.tsx';

export function Consolidation({ report }: SectionProps) {
  const runs = report.runs.filter((run) => consolidatedStages(run).length > 0);
  return (
    <Section id="consolidation" title="Consolidation">
      <MissingNotes report={report} part="consolidation" />
      {runs.length > 0 && (
        <>
          <p class="lead">
            At the end of a stage its update is denoised by SVD, and its part along the updates of earlier
            stages is damped before the rest is merged.
          </p>
          <h3>Share of each update in old directions</h3>
          <OldShares report={report} />
          <LayerShares report={report} />
          <h3>Singular spectra and kept ranks</h3>
          <p class="lead">
            Singular values of the update over the largest one of its matrix: median over matrices, and the
            band that holds 80 % of them. The upright line is the median kept rank.
          </p>
          {runs.map((run) => (
            <details class="panels" open={runs.length === 1}>
              <summary>
                Spectra of <bdi>{run.label}</bdi>
              </summary>
              <Spectra run={run} style={report.runs.indexOf(run)} />
            </details>
          ))}
        </>
      )}
      <Tables report={report} ids="consolidation" />
    </Section>
  );
}

function OldShares({ report: { runs } }: SectionProps) {
  const shares = runs.map((run) =>
    consolidatedStages(run).map((stage) => ({ ...stage, share: oldShare(stage.record.matrices) })),
  );
  const most = Math.max(...shares.flat().map(({ share }) => share), 1);
  return (
    <>
      <p class="key">
        <i class="key-sft" aria-hidden="true" /> S: sft <i class="key-preference" aria-hidden="true" /> P:
        preference; tasks in the stream’s order
      </p>
      <div class="charts">
        {runs.map(({ label, results }, at) =>
          shares[at]!.length === 0 ? null : (
            <BarChart
              id={`old-directions-${at + 1}`}
              title={label}
              description={`Share of each stage's update of ${label} that lay in directions of earlier stages.`}
              xLabel="task and stage"
              yLabel="% of energy"
              most={most}
              bars={shares[at]!.map(({ task, stage, share }) => ({
                name: `${task + 1}${stage === 'sft' ? 'S' : 'P'}`,
                parts: [
                  {
                    value: share,
                    class: `stage-${stage}`,
                    text: decimal(share, 0),
                    title: `${results.tasks[task]}, ${stage}: ${decimal(share, 2)} %`,
                    of: stage,
                  },
                ],
              }))}
            />
          ),
        )}
      </div>
    </>
  );
}

/** The table of the same numbers, coloured. */
function LayerShares({ report: { runs, tables } }: SectionProps) {
  const table = tables.find(({ id }) => id === 'old-directions-by-layer');
  if (!table) return null;
  const shares = table.rows.map(([run, task, stage, ...values]) => ({
    run,
    name: `${task}, ${stage}`,
    values: values.map((value) => (typeof value === 'number' ? value : null)),
  }));
  const scale = heatScale('sequential', [0, ...shares.flatMap(({ values }) => values)]);
  return (
    <>
      <h3>The same by decoder layer</h3>
      <HeatLegend scale={scale} digits={1} unit="% of the layer’s energy" />
      <div class="heats">
        {runs.map(({ label }) => {
          const rows = shares.filter(({ run }) => run === label);
          return rows.length === 0 ? null : (
            <HeatTable
              title={label}
              corner="stage"
              columns={table.columns.slice(3).map(({ title }) => title)}
              rows={rows}
              scale={scale}
              digits={1}
            />
          );
        })}
      </div>
    </>
  );
}
