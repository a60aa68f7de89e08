/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Everything needed to run it again. */
import { Section, type SectionProps, Tables } from '../section.tsx';

export function Rerun({ report }: SectionProps) {
  return (
    <Section id="rerun" title="To run it again">
      <p class="lead">
        With a run’s own config.yaml, or a configuration below put into a file. The run is the same where
        versions and hashes are; on other hardware or versions numbers may differ in their last digits.
      </p>
      <pre class="command">lifealign train config.yaml --output-dir another-folder</pre>
      {report.runs.map(({ label, configText }) => (
        <details class="data" open={report.runs.length === 1}>
          <summary>
            Configuration of <bdi>{label}</bdi>
          </summary>
          <pre class="config" tabindex={0}>
            {configText}
          </pre>
        </details>
      ))}
      <Tables report={report} ids="provenance" />
    </Section>
  );
}
