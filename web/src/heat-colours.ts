/** The report's heatmap colours as a style sheet of the page: one rule a step, for light and dark. */
import { HEAT_STEPS, type HeatKind, heatColours, stepClass } from '../../src/eval/report/page/colours.ts';

export function addHeatColours(): void {
  const kinds: readonly HeatKind[] = ['sequential', 'diverging'];
  const rules = kinds.flatMap((kind) => {
    const [light, dark] = [heatColours(kind, 'light'), heatColours(kind, 'dark')];
    return Array.from({ length: HEAT_STEPS }, (_, step) => {
      const [one, other] = [light[step]!, dark[step]!];
      const heat = `--heat:light-dark(${one.background},${other.background})`;
      return `.${stepClass(kind, step)}{${heat};--heat-ink:light-dark(${one.ink},${other.ink})}`;
    });
  });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules.join('\n'));
  document.adoptedStyleSheets.push(sheet);
}
