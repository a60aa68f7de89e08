/** Names and what they stand for. */
import type { ComponentChildren } from 'preact';

interface FactsProps {
  readonly facts: readonly (readonly [string, ComponentChildren])[];
}

export function Facts({ facts }: FactsProps) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
