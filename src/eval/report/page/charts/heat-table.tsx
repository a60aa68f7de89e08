/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A matrix as a table whose cells are coloured by their numbers, and the scale of the colours. */
import { decimal } from '../../../number-text.ts';
import { HEAT_STEPS, type HeatScale, heatClass, stepClass } from '../colours.ts';
import { ScrollBox } from '../scroll-box.tsx';

export interface HeatRow {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Set apart from the others, as the base is. */
  readonly apart?: boolean;
}

interface HeatTableProps {
  readonly title: string;
  /** What rows and columns are. */
  readonly corner: string;
  readonly columns: readonly string[];
  readonly rows: readonly HeatRow[];
  readonly scale: HeatScale;
  readonly digits: number;
  /** Whether cells on the diagonal, below the rows apart, are marked. */
  readonly diagonal?: boolean;
}

/** What was not measured is a dash without colour. */
export function HeatTable({ title, corner, columns, rows, scale, digits, diagonal = false }: HeatTableProps) {
  const before = rows.filter(({ apart }) => apart).length;
  return (
    <ScrollBox label={title}>
      <table class="heat">
        <caption>
          <bdi>{title}</bdi>
        </caption>
        <thead>
          <tr>
            <th scope="col" class="corner">
              {corner}
            </th>
            {columns.map((name) => (
              <th scope="col">
                <bdi>{name}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, values, apart }, at) => (
            <tr class={apart ? 'apart' : undefined}>
              <th scope="row">
                <bdi>{name}</bdi>
              </th>
              {values.map((value, column) => {
                const isLearned = diagonal && at - before === column;
                if (value === null) return <td>-</td>;
                return (
                  <td class={`${heatClass(value, scale)}${isLearned ? ' learned' : ''}`}>
                    {decimal(value, digits)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

interface HeatLegendProps {
  readonly scale: HeatScale;
  readonly digits: number;
  readonly unit: string;
}

export function HeatLegend({ scale, digits, unit }: HeatLegendProps) {
  const { kind, low, high } = scale;
  return (
    <p class="heat-legend">
      {unit}: {decimal(low, digits)}
      <span class="ramp" aria-hidden="true">
        {Array.from({ length: HEAT_STEPS }, (_, step) => (
          <i class={stepClass(kind, step)} />
        ))}
      </span>
      {decimal(high, digits)}
    </p>
  );
}
