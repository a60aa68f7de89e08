/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A section of the page with its anchor, what a run lacks for it, and its tables. */
import type { ComponentChildren } from 'preact';
import { missingOf, type Part } from '../missing.ts';
import type { Report } from '../report.ts';
import type { Table } from '../tables/table.ts';
import { DataTable } from './data-table.tsx';

export interface SectionProps {
  readonly report: Report;
}

interface Props {
  readonly id: string;
  readonly title: string;
  readonly children: ComponentChildren;
}

export function Section({ id, title, children }: Props) {
  return (
    <section id={id} aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>
        <a href={`#${id}`}>{title}</a>
      </h2>
      {children}
    </section>
  );
}

interface BlocksProps extends SectionProps {
  /** Charts fill equal columns; tables take the width they need. */
  readonly of: 'charts' | 'tables';
  readonly children: ComponentChildren;
}

/** Parts with a heading each. Of one run they stand beside each other, of several one below the other. */
export function Blocks({ report: { runs }, of, children }: BlocksProps) {
  return <div class={runs.length === 1 ? `beside-${of}` : undefined}>{children}</div>;
}

/** What the runs lack of a part, one line each. */
export function MissingNotes({ report: { runs }, part }: SectionProps & { readonly part: Part }) {
  const notes = runs.flatMap((run) =>
    missingOf(run)
      .filter((missing) => missing.part === part)
      .map(({ text, isOff }) => ({ label: run.label, text, isOff })),
  );
  if (notes.length === 0) return null;
  return (
    <ul class="missing">
      {notes.map(({ label, text, isOff }) => (
        <li class={isOff ? 'off' : undefined}>
          <bdi>{label}</bdi>: {text}.
        </li>
      ))}
    </ul>
  );
}

interface TablesProps extends SectionProps {
  /** What their ids begin with. */
  readonly ids: string;
  readonly open?: boolean;
}

export function Tables({ report: { tables }, ids, open = false }: TablesProps) {
  const chosen = tables.filter(({ id }) => id === ids || id.startsWith(`${ids}-`));
  return (
    <>
      {chosen.map((table: Table) => (
        <DataTable table={table} open={open} />
      ))}
    </>
  );
}
