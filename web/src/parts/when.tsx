/** A time as its reader counts, with the exact one in the element. */

interface WhenProps {
  /** ISO 8601, or milliseconds since 1970. */
  readonly time: string | number;
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];
const WEEK = 7 * 86_400;

export function When({ time }: WhenProps) {
  const date = new Date(time);
  if (Number.isNaN(date.valueOf())) return <span>-</span>;
  return (
    <time datetime={date.toISOString()} title={date.toLocaleString('en-GB')}>
      {relative(date)}
    </time>
  );
}

function relative(date: Date): string {
  const seconds = (date.valueOf() - Date.now()) / 1000;
  if (Math.abs(seconds) > WEEK) return date.toLocaleDateString('en-GB', { dateStyle: 'medium' });
  const format = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ['second', 1];
  return unit === 'second' ? 'just now' : format.format(Math.round(seconds / size), unit);
}
