/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** The result matrix of each score as heatmaps, all runs on one scale. */
import { type ScoreName, scoreTitles } from '../../../comparison/index.ts';
import { digitsOf, measuredScores, scoresOf } from '../../scores.ts';
import { HeatLegend, HeatTable } from '../charts/heat-table.tsx';
import { heatScale } from '../colours.ts';
import { EveryDigit } from '../data-table.tsx';
import { Blocks, MissingNotes, Section, type SectionProps } from '../section.tsx';

export function Matrices({ report }: SectionProps) {
  return (
    <Section id="matrix" title="Result matrix">
      <MissingNotes report={report} part="scores" />
      <p class="lead">
        A row for the model after each task, a column for the task it was then measured on; framed where the
        task had just been learned. Down a column: what later tasks did to it.
      </p>
      <Blocks report={report} of="tables">
        {measuredScores(report.runs).map((score) => (
          <div>
            <h3>{scoreTitles[score]}</h3>
            <ScoreMatrices report={report} score={score} />
            <p class="note">
              <EveryDigit id={`matrix-${score}`} />
            </p>
          </div>
        ))}
      </Blocks>
    </Section>
  );
}

function ScoreMatrices({ report: { runs }, score }: SectionProps & { readonly score: ScoreName }) {
  const matrices = runs.map((run) => ({ run, ...scoresOf(run, score) }));
  const values = matrices.flatMap(({ cells, base }) => [...cells.flat(), ...base]);
  const scale = heatScale(score === 'margin' ? 'diverging' : 'sequential', values);
  const hasBase = matrices.some(({ base }) => base.some((value) => value !== null));
  const digits = digitsOf(score);
  return (
    <>
      <HeatLegend scale={scale} digits={digits} unit={scoreTitles[score]} />
      <div class="heats">
        {matrices.map(({ run: { label, results }, cells, base }) => (
          <HeatTable
            title={label}
            corner="after"
            columns={results.tasks}
            rows={[
              ...(hasBase ? [{ name: 'base', values: base, apart: true }] : []),
              ...cells.map((row, task) => ({ name: results.tasks[task]!, values: row })),
            ]}
            scale={scale}
            digits={digits}
            diagonal
          />
        ))}
      </div>
    </>
  );
}
