/** A line that says how something went; read out when it appears. */
import type { ComponentChildren } from 'preact';

interface NoticeProps {
  readonly kind: 'good' | 'bad' | 'plain';
  readonly children: ComponentChildren;
}

export function Notice({ kind, children }: NoticeProps) {
  return (
    <p class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}
