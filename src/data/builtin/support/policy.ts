/**
 * The shop's policy: each fact with the one value that is right. The task `facts` asks for them; its judge
 * reads which values are right. No value occurs twice, so that a value tells which fact is meant.
 */
export interface PolicyFact {
  readonly name: string;
  readonly unit: string;
  readonly right: string;
  /** Other values of the same form; the first was the rule last year. */
  readonly wrong: readonly [string, string, string];
}

function fact(
  name: string,
  unit: string,
  right: number,
  ...wrong: readonly [number, number, number]
): PolicyFact {
  const [first, second, third] = wrong;
  const value = (amount: number) => `${amount} ${unit}`;
  return { name, unit, right: value(right), wrong: [value(first), value(second), value(third)] };
}

export const policyFacts = {
  returns: fact('returns', 'days', 30, 14, 21, 60),
  exchange: fact('exchange', 'days', 45, 25, 40, 90),
  delivery: fact('delivery', 'days', 3, 5, 7, 10),
  freeDelivery: fact('freeDelivery', 'dollars', 50, 35, 65, 80),
  giftWrap: fact('giftWrap', 'dollars', 4, 3, 6, 7),
  express: fact('express', 'dollars', 9, 8, 12, 15),
  warranty: fact('warranty', 'years', 2, 3, 4, 5),
  opening: fact('opening', 'am', 9, 7, 8, 10),
  giftCard: fact('giftCard', 'months', 18, 6, 12, 24),
  orderChange: fact('orderChange', 'hours', 2, 3, 4, 6),
} as const;

export type FactName = keyof typeof policyFacts;
