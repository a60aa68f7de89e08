/**
 * What the `format` task's answers say: advice about a product as short instructions that stand in any
 * order, so that the same content fits a list, sentences or a question.
 */

export interface Topic {
  /** The topic as training and validation queries name it. */
  readonly named: readonly string[];
  /** The topic as test queries name it. */
  readonly namedInTests: readonly string[];
  /** `{it}` is the product where it is named first, and "it" after that. */
  readonly advice: readonly string[];
  readonly hashtags: readonly string[];
}

export const TOPICS: readonly Topic[] = [
  {
    named: ['caring for our {product}', 'how to care for our {product}'],
    namedInTests: ['good care of the {product}', 'keeping the {product} clean'],
    advice: [
      'keep {it} clean and dry',
      'store {it} away from the sun',
      'wipe {it} with a soft cloth',
      'check {it} once a month',
      'put {it} back after use',
      'keep {it} away from heat',
    ],
    hashtags: ['#care', '#clean'],
  },
  {
    named: ['choosing our {product}', 'how to choose our {product}'],
    namedInTests: ['the choice of the {product}', 'finding the right {product}'],
    advice: [
      'compare {it} with two others',
      'look at {it} in the light',
      'hold {it} in your hands',
      'check the size of {it}',
      'ask our team about {it}',
      'read the label on {it}',
    ],
    hashtags: ['#choice', '#shop'],
  },
  {
    named: ['giving our {product} as a gift', 'how to give our {product} as a gift'],
    namedInTests: ['the {product} as a present', 'making a gift of the {product}'],
    advice: [
      'wrap {it} in plain paper',
      'add a short note to {it}',
      'take the price off {it}',
      'put {it} in a small box',
      'put a ribbon around {it}',
      'choose a card for {it}',
    ],
    hashtags: ['#gift', '#present'],
  },
  {
    named: ['packing our {product}', 'how to pack our {product}'],
    namedInTests: ['safe packing of the {product}', 'getting the {product} ready to send'],
    advice: [
      'put {it} in a strong box',
      'cover {it} with soft paper',
      'tape the box around {it}',
      'check {it} before it goes',
      'lay a short note beside {it}',
      'set {it} in the box with care',
    ],
    hashtags: ['#packing', '#send'],
  },
  {
    named: ['taking photos of our {product}', 'how to photograph our {product}'],
    namedInTests: ['good photos of the {product}', 'getting the {product} into a photo'],
    advice: [
      'place {it} near a window',
      'turn {it} to the light',
      'set {it} on a plain table',
      'show {it} from the side',
      'take {it} out of the box',
      'hold one hand beside {it}',
    ],
    hashtags: ['#photo', '#light'],
  },
  {
    named: ['showing our {product} in the shop', 'how to show our {product} in the shop'],
    namedInTests: ['a good place for the {product}', 'giving the {product} its own shelf'],
    advice: [
      'put {it} near the door',
      'show the price beside {it}',
      'set {it} on a low shelf',
      'turn {it} to the door',
      'clean {it} every morning',
      'put a small sign beside {it}',
    ],
    hashtags: ['#shop', '#window'],
  },
];
