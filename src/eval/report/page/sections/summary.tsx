/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What came out: Last, BWT and AP with their intervals, for every score. */
import { scoreTitles } from '../../../comparison/index.ts';
import { digitsOf } from '../../scores.ts';
import { IntervalChart } from '../charts/interval-chart.tsx';
import { MissingNotes, Section, type SectionProps, Tables } from '../section.tsx';

const shownStatistics = [
  { name: 'last', title: 'Last', meaning: 'mean over all tasks after the last one' },
  { name: 'bwt', title: 'BWT', meaning: 'mean change of earlier tasks since each was learned' },
  { name: 'ap', title: 'AP', meaning: 'mean over the tasks seen so far, averaged along the stream' },
] as const;

export function Summary({ report }: SectionProps) {
  const { compared, scores, over, level } = report.comparison;
  const percent = `${Number((100 * level).toFixed(2))} %`;
  const kind =
    over === 'seeds'
      ? `${percent} Student’s t intervals over seeds`
      : `${percent} bootstrap intervals over test rows`;
  // The first run of a name stands for it, in the style that it has in every chart.
  const styleOf = (name: string) => report.runs.findIndex((run) => run.name === name);
  return (
    <Section id="summary" title="Summary">
      <MissingNotes report={report} part="run" />
      <MissingNotes report={report} part="scores" />
      <p class="lead">
        <b>Last</b> is the mean over all tasks after the last one; <b>BWT</b>, backward transfer, what later
        tasks did to earlier ones since each was learned (below 0: forgotten); <b>AP</b> the mean over the
        tasks seen so far, averaged along the stream. Whiskers: {kind}.
      </p>
      {scores.map(({ score, runs }, at) => (
        <>
          <h3>{scoreTitles[score]}</h3>
          {runs.some(({ statistics }) =>
            shownStatistics.some(({ name }) => statistics[name].estimate !== null),
          ) ? (
            <div class="charts">
              {shownStatistics.map(({ name, title, meaning }) => (
                <IntervalChart
                  id={`interval-${score}-${name}`}
                  title={title}
                  description={`${title} of ${scoreTitles[score]}: ${meaning}, with ${kind}, for each run.`}
                  label={scoreTitles[score]}
                  digits={digitsOf(score)}
                  rows={runs.map(({ statistics }, run) => ({
                    name: compared[run]!,
                    style: styleOf(compared[run]!),
                    estimate: statistics[name],
                  }))}
                />
              ))}
            </div>
          ) : (
            <p class="note">
              No Last, BWT or AP: they need this score of every task, after the last one too.
            </p>
          )}
          <Tables report={report} ids={`statistics-${score}`} open={at === 0} />
          <Tables report={report} ids={`differences-${score}`} open={at === 0} />
        </>
      ))}
      <Tables report={report} ids="alone" open />
      <Tables report={report} ids="runs" open />
      <Tables report={report} ids="rows" />
    </Section>
  );
}
