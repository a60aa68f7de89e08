/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What may be wider than the page scrolls in its own box, by keyboard too. */
import type { ComponentChildren } from 'preact';

interface ScrollBoxProps {
  /** Names the box for those who do not see it. */
  readonly label: string;
  readonly children: ComponentChildren;
}

export function ScrollBox({ label, children }: ScrollBoxProps) {
  return (
    <section class="scroll" aria-label={label} tabindex={0}>
      {children}
    </section>
  );
}
