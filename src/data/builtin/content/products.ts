/**
 * The products the content tasks write about. Every task tests on products of its own, which the other
 * two tasks train on, so that no word of a test query is new to the model.
 */
import type { Random } from '../../../support/random.ts';
import { pick } from '../grammar.ts';
import type { Split } from '../task.ts';

export interface Product {
  readonly name: string;
  readonly use: 'kitchen' | 'clothes' | 'home' | 'travel';
}

const PRODUCTS: readonly Product[] = [
  { name: 'clay mug', use: 'kitchen' },
  { name: 'wool scarf', use: 'clothes' },
  { name: 'glass lamp', use: 'home' },
  { name: 'leather wallet', use: 'travel' },
  { name: 'oak stool', use: 'home' },
  { name: 'linen apron', use: 'clothes' },
  { name: 'paper notebook', use: 'travel' },
  { name: 'steel kettle', use: 'kitchen' },

  { name: 'cotton shirt', use: 'clothes' },
  { name: 'clay vase', use: 'home' },
  { name: 'canvas bag', use: 'travel' },
  { name: 'glass teapot', use: 'kitchen' },
  { name: 'wool blanket', use: 'home' },
  { name: 'steel pen', use: 'travel' },
  { name: 'oak board', use: 'kitchen' },
  { name: 'straw hat', use: 'clothes' },

  { name: 'linen towel', use: 'home' },
  { name: 'clay bowl', use: 'kitchen' },
  { name: 'leather belt', use: 'clothes' },
  { name: 'glass bottle', use: 'travel' },
  { name: 'cotton pillow', use: 'home' },
  { name: 'oak clock', use: 'home' },
  { name: 'wool coat', use: 'clothes' },
  { name: 'straw basket', use: 'home' },
];

const TASK_ORDER = ['format', 'voice', 'safety'] as const;
export type ContentTask = (typeof TASK_ORDER)[number];

const TEST_COUNT = 8;
const VALIDATION_COUNT = 4;

/** The split's products: 8 for tests, 4 for validation and 12 for training, no product in two splits. */
export function productsOf(task: ContentTask, split: Split): readonly Product[] {
  const start = TASK_ORDER.indexOf(task) * TEST_COUNT;
  const turned = [...PRODUCTS.slice(start), ...PRODUCTS.slice(0, start)];
  if (split === 'test') return turned.slice(0, TEST_COUNT);
  if (split === 'validation') return turned.slice(TEST_COUNT, TEST_COUNT + VALIDATION_COUNT);
  return turned.slice(TEST_COUNT + VALIDATION_COUNT);
}

export function pickProduct(random: Random, task: ContentTask, split: Split): Product {
  return pick(random, productsOf(task, split));
}
