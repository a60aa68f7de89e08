/** What consolidation kept of a stage's change, matrix by matrix, and the singular values that decided it. */
import { useState } from 'preact/hooks';
import { decimal } from '../../../src/eval/number-text.ts';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { VersionDetail } from '../../../src/service/memories/schema.ts';
import { Facts } from './facts.tsx';
import { LinePlot } from './line-plot.tsx';

type Consolidation = NonNullable<VersionDetail['consolidation']>;
type Matrix = Consolidation['matrices'][number];

export function ConsolidationView({ consolidation }: { readonly consolidation: Consolidation }) {
  const { space, threshold, lambda, kept_energy, old_directions, matrices } = consolidation;
  const [chosen, setChosen] = useState(0);
  const matrix = matrices[chosen];
  return (
    <section class="card">
      <h2>What was merged</h2>
      <Facts
        facts={[
          ['energy kept by denoising', `${decimal(kept_energy)} % (θ ${threshold})`],
          [
            'of it in directions of earlier stages',
            `${decimal(old_directions)} % (of that, λ ${lambda} was merged)`,
          ],
          ['space', space],
        ]}
      />
      {matrix && (
        <>
          <label class="inline">
            Spectrum of
            <select value={chosen} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
              {matrices.map(({ name }, at) => (
                <option key={name} value={at}>
                  {shortName(name)}
                </option>
              ))}
            </select>
          </label>
          <LinePlot
            title={shortName(matrix.name)}
            unit={`singular values of the change; ${matrix.kept_rank} of ${matrix.singular_values.length} kept`}
            places={matrix.singular_values.map((_, at) => String(at + 1))}
            curves={[{ name: 'singular value', values: matrix.singular_values }]}
            digits={4}
            cut={matrix.kept_rank - 0.5}
          />
          <MatrixTable matrices={matrices} />
        </>
      )}
    </section>
  );
}

function MatrixTable({ matrices }: { readonly matrices: readonly Matrix[] }) {
  return (
    <details class="numbers">
      <summary>All {matrices.length} matrices: ranks and shares</summary>
      <ScrollBox label="matrices">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col" class="text">
                matrix
              </th>
              <th scope="col">directions kept</th>
              <th scope="col">energy kept, %</th>
              <th scope="col">in old directions, %</th>
              <th scope="col">merged, % of the change</th>
              <th scope="col">dimensions of the history</th>
            </tr>
          </thead>
          <tbody>
            {matrices.map(({ name, singular_values, kept_rank, history_rank, energy }) => (
              <tr key={name}>
                <th scope="row">{shortName(name)}</th>
                <td>
                  {kept_rank} of {singular_values.length}
                </td>
                <td>{share(energy.denoised, energy.shortTerm)}</td>
                <td>{share(energy.parallel, energy.denoised)}</td>
                <td>{share(energy.refined, energy.shortTerm)}</td>
                <td>{history_rank}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
    </details>
  );
}

/** Of nothing there is no share. */
function share(part: number, whole: number): string {
  return decimal(whole > 0 ? (100 * part) / whole : null);
}

function shortName(name: string): string {
  return name.replace(/^base_model\.model\.(model\.)?/, '').replace(/\.weight$/, '');
}
