/** A page's name: in the tab, as its heading, and where the keyboard is after a link was followed. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface PageHeadingProps {
  readonly title: string;
  /** What leads here: the page above. */
  readonly above?: { readonly name: string; readonly href: string };
  readonly children?: ComponentChildren;
}

export function PageHeading({ title, above, children }: PageHeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · LifeAlign studio`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="page-heading">
      {above && (
        <p class="above">
          <a href={above.href}>
            <bdi>{above.name}</bdi>
          </a>
        </p>
      )}
      <h1 ref={heading} tabindex={-1}>
        <bdi>{title}</bdi>
      </h1>
      {children}
    </div>
  );
}
