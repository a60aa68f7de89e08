/**
 * Dimensions of symbolic tensors. A dimension is a number, or a linear form over named sizes in a
 * canonical spelling (`2*chosen0 + prompt0 + 1`), so that two equal dimensions are equal strings and
 * one graph serves all lengths.
 */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

interface LinearForm {
  readonly constant: number;
  readonly terms: ReadonlyMap<string, number>;
}

const parsed = new Map<string, LinearForm>();

function parse(dimension: Dimension): LinearForm {
  if (typeof dimension === 'number') return { constant: dimension, terms: new Map() };
  const known = parsed.get(dimension);
  if (known) return known;
  let constant = 0;
  const terms = new Map<string, number>();
  for (const part of dimension.split(' + ')) {
    if (/^\d+$/.test(part)) {
      constant += Number(part);
      continue;
    }
    const match = /^(?:(\d+)\*)?([A-Za-z_]\w*)$/.exec(part);
    if (!match) throw new Error(`not a dimension: "${dimension}"`);
    const name = match[2] as string;
    terms.set(name, (terms.get(name) ?? 0) + Number(match[1] ?? 1));
  }
  const form = { constant, terms };
  parsed.set(dimension, form);
  return form;
}

function print({ constant, terms }: LinearForm): Dimension {
  const parts = [...terms]
    .filter(([, coefficient]) => coefficient !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, coefficient]) => (coefficient === 1 ? name : `${coefficient}*${name}`));
  if (parts.length === 0) return constant;
  return constant === 0 ? parts.join(' + ') : [...parts, String(constant)].join(' + ');
}

export function addDimensions(...dimensions: readonly Dimension[]): Dimension {
  let constant = 0;
  const terms = new Map<string, number>();
  for (const dimension of dimensions) {
    const form = parse(dimension);
    constant += form.constant;
    for (const [name, coefficient] of form.terms) terms.set(name, (terms.get(name) ?? 0) + coefficient);
  }
  return print({ constant, terms });
}

export function multiplyDimension(dimension: Dimension, factor: number): Dimension {
  const { constant, terms } = parse(dimension);
  return print({
    constant: constant * factor,
    terms: new Map([...terms].map(([name, coefficient]) => [name, coefficient * factor])),
  });
}

/** The dimension's value once every named size is known. */
export function dimensionValue(dimension: Dimension, sizes: ReadonlyMap<string, number>): number {
  const { constant, terms } = parse(dimension);
  let value = constant;
  for (const [name, coefficient] of terms) {
    const size = sizes.get(name);
    if (size === undefined) throw new Error(`the size "${name}" is not known`);
    value += coefficient * size;
  }
  return value;
}

/**
 * Whether a dimension can be of that size, given the sizes known so far; a dimension that is one unknown
 * name makes it known.
 */
export function matchDimension(dimension: Dimension, size: number, sizes: Map<string, number>): boolean {
  const { terms } = parse(dimension);
  if ([...terms.keys()].every((name) => sizes.has(name))) return dimensionValue(dimension, sizes) === size;
  if (terms.has(String(dimension))) sizes.set(String(dimension), size);
  return true;
}

/** Whether a dimension is spelled as this file spells it: a natural number or a canonical linear form. */
export function isCanonical(dimension: Dimension): boolean {
  if (isStatic(dimension)) return Number.isSafeInteger(dimension) && dimension >= 0;
  return addDimensions(dimension) === dimension;
}

export function isStatic(dimension: Dimension): dimension is number {
  return typeof dimension === 'number';
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * The number of elements as a static factor and a sorted list of primitive symbolic factors; two shapes
 * hold equally many elements for all sizes if these agree (sufficient, and enough for our graphs).
 */
export function elementCount(shape: Shape): { factor: number; symbols: readonly string[] } {
  let factor = 1;
  const symbols: string[] = [];
  for (const dimension of shape) {
    if (isStatic(dimension)) {
      factor *= dimension;
      continue;
    }
    const { constant, terms } = parse(dimension);
    const content = [...terms.values(), constant].reduce(greatestCommonDivisor, 0);
    factor *= content;
    symbols.push(
      String(
        print({
          constant: constant / content,
          terms: new Map([...terms].map(([name, coefficient]) => [name, coefficient / content])),
        }),
      ),
    );
  }
  return { factor, symbols: symbols.sort() };
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}

export function printShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
