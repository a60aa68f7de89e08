/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A report's table as people read it in a browser; the page's style lets wide ones scroll in their own box. */
import type { Cell, Table } from '../tables/table.ts';
import { cellText } from '../tables/text.ts';
import { ScrollBox } from './scroll-box.tsx';

interface DataTableProps {
  readonly table: Table;
  /** Open at once; the others are a line that opens. */
  readonly open?: boolean;
}

export function DataTable({ table, open = false }: DataTableProps) {
  const { id, title } = table;
  return (
    <details class="data" id={`table-${id}`} open={open}>
      <summary>
        <bdi>{title}</bdi>
      </summary>
      <DataGrid table={table} />
    </details>
  );
}

/** Where a table's numbers are unrounded. */
export function EveryDigit({ id }: { readonly id: string }) {
  return (
    <>
      With every digit in <a href={`tables/${id}.csv`}>tables/{id}.csv</a>.
    </>
  );
}

function DataGrid({ table: { id, title, columns, rows, note } }: { readonly table: Table }) {
  return (
    <>
      <ScrollBox label={title}>
        <table class="grid">
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              {columns.map((column, at) => (
                <th scope="col" class={hasNumbers(rows, at) ? undefined : 'text'}>
                  <bdi>{column.title}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr>
                {row.map((cell, at) => {
                  const text = cellText(cell, columns[at]!);
                  if (at === 0) {
                    return (
                      <th scope="row">
                        <bdi>{text}</bdi>
                      </th>
                    );
                  }
                  if (!isText(cell)) return <td>{text}</td>;
                  return (
                    <td class="text">
                      <bdi>{text}</bdi>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      <p class="note">
        {note === undefined ? '' : `${note} `}
        <EveryDigit id={id} />
      </p>
    </>
  );
}

function hasNumbers(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.some((row) => !isText(row[column] ?? null) && row[column] !== null);
}

function isText(cell: Cell): boolean {
  return typeof cell === 'string';
}
