/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A text from outside, of a row or a model: nothing in it is markup. */
/** A longer text is opened by its beginning, which is shown in any case. */
const FOLDED_LENGTH = 420;

interface TextProps {
  readonly text: string;
  /** Characters that are shown at most. */
  readonly longest: number;
}

/** Line breaks stay; what is left out is counted. */
export function Text({ text, longest }: TextProps) {
  const characters = [...text];
  const folded = Math.min(FOLDED_LENGTH, longest);
  if (characters.length <= folded) return <Words text={text} />;
  const beginning = <Words text={`${characters.slice(0, folded).join('')} …`} />;
  const left = characters.length - longest;
  const rest = left > 0 && <p class="more">{left} more characters stand in tables/answers.csv</p>;
  if (longest === folded) {
    return (
      <>
        {beginning}
        {rest}
      </>
    );
  }
  return (
    <details class="long">
      <summary>
        {beginning}
        <span class="more">all {characters.length} characters</span>
      </summary>
      <Words text={characters.slice(0, longest).join('')} />
      {rest}
    </details>
  );
}

/** Right-to-left texts turn nothing around them. */
function Words({ text }: { readonly text: string }) {
  return (
    <span class="words" dir="auto">
      {withControlsShown(text)}
    </span>
  );
}

/** Browsers drop control characters, or say that a page with them is broken: their pictures stand for them. */
function withControlsShown(text: string): string {
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F]/g, (control) =>
    String.fromCharCode(0x2400 + control.charCodeAt(0)),
  );
}
