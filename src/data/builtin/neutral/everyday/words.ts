/** What shops sell and write about: words for everyday conversations. */

export interface Product {
  readonly name: string;
  readonly material: string;
  /** What it is for, after "for". */
  readonly use: string;
  /** What is good about it, after "it". */
  readonly strength: string;
}

const product = (name: string, material: string, use: string, strength: string): Product => ({
  name,
  material,
  use,
  strength,
});

export const products: readonly Product[] = [
  product('desk lamp', 'aluminium', 'late evenings at the desk', 'gives a warm and even light'),
  product('travel mug', 'stainless steel', 'the way to work', 'keeps tea hot for six hours'),
  product('notebook', 'recycled paper', 'plans and first drafts', 'lies flat on the table'),
  product('backpack', 'waxed canvas', 'day trips', 'has room for a laptop and a jacket'),
  product('wool blanket', 'merino wool', 'cold mornings', 'stays soft after many washes'),
  product('garden chair', 'oak', 'long summer evenings', 'folds away in a moment'),
  product('kettle', 'brushed steel', 'busy kitchens', 'boils a litre in three minutes'),
  product('cutting board', 'beech wood', 'everyday cooking', 'is kind to sharp knives'),
  product('running jacket', 'light nylon', 'wet and windy days', 'fits into its own pocket'),
  product('candle', 'soy wax', 'quiet evenings', 'burns for forty hours'),
  product('bookshelf', 'pine', 'small rooms', 'needs no tools to set up'),
  product('water bottle', 'glass', 'the gym and the office', 'goes into the dishwasher'),
  product('headset', 'recycled plastic', 'train rides', 'shuts out most of the noise'),
  product('wall clock', 'walnut', 'kitchens and hallways', 'runs without a sound'),
  product('tent', 'coated polyester', 'two people and a weekend', 'stands in five minutes'),
  product('teapot', 'stoneware', 'slow afternoons', 'pours without a drip'),
  product('scarf', 'soft cotton', 'spring and autumn', 'goes with almost everything'),
  product('bicycle bell', 'brass', 'city streets', 'rings loud and clear'),
  product('pillow', 'buckwheat', 'side sleepers', 'keeps its shape all night'),
  product('frying pan', 'cast iron', 'eggs and vegetables', 'holds the heat well'),
  product('rain coat', 'recycled polyester', 'grey days', 'keeps you dry all day'),
  product('flower pot', 'clay', 'balconies and window sills', 'lets the roots breathe'),
  product('phone stand', 'bamboo', 'calls and recipes', 'works at any angle'),
  product('board game', 'cardboard and wood', 'family evenings', 'takes half an hour to play'),
];

export const colours = ['black', 'white', 'green', 'dark blue', 'grey', 'red', 'sand', 'yellow', 'brown'];
export const sizes = ['small', 'medium', 'large', 'extra large'];
export const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
export const months = ['January', 'March', 'April', 'May', 'June', 'August', 'September', 'November'];
export const cities = ['Leeds', 'Porto', 'Graz', 'Utrecht', 'Bergen', 'Lyon', 'Austin', 'Dublin', 'Gdansk'];
export const people = ['Anna', 'Ben', 'Carla', 'David', 'Emma', 'Felix', 'Grace', 'Hugo', 'Iris', 'Jonas'];

/** Things to write about, with three plain sentences each. */
export const topics: readonly { readonly name: string; readonly sentences: readonly string[] }[] = [
  {
    name: 'drinking enough water',
    sentences: [
      'Most people drink too little during a busy day.',
      'A bottle on the desk is a simple reminder.',
      'Tea and fruit count as well.',
      'Small sips through the day work better than a litre at once.',
    ],
  },
  {
    name: 'keeping a tidy desk',
    sentences: [
      'A clear desk makes it easier to begin.',
      'Put away what you did not use this week.',
      'Five minutes before you leave are enough.',
      'Cables are less trouble when each has its place.',
    ],
  },
  {
    name: 'walking to work',
    sentences: [
      'A walk in the morning wakes up body and mind.',
      'Good shoes matter more than the weather.',
      'You notice shops and trees that you pass by in the car.',
      'Two or three days a week are a good start.',
    ],
  },
  {
    name: 'growing herbs at home',
    sentences: [
      'Basil, mint and chives grow well on a window sill.',
      'They like light, but not the midday sun.',
      'Water them when the soil feels dry.',
      'Cut a little often, and they will keep growing.',
    ],
  },
  {
    name: 'packing for a weekend',
    sentences: [
      'A small bag is enough for two nights.',
      'Roll your clothes instead of folding them.',
      'Keep the charger and the tickets on top.',
      'Leave some room for what you bring home.',
    ],
  },
  {
    name: 'choosing a gift',
    sentences: [
      'A good gift shows that you listened.',
      'It does not have to be expensive.',
      'Think of something that person uses every day.',
      'A short note by hand makes it complete.',
    ],
  },
  {
    name: 'sleeping well',
    sentences: [
      'A dark and cool room helps most people.',
      'Go to bed at about the same time each night.',
      'Leave the phone in another room.',
      'A warm drink and a book are a calm end of the day.',
    ],
  },
  {
    name: 'opening a small shop',
    sentences: [
      'A small shop lives from people who come back.',
      'Know the names of your first hundred customers.',
      'Begin with a few good products.',
      'Opening hours that never change are worth a lot.',
    ],
  },
  {
    name: 'baking bread',
    sentences: [
      'Bread needs flour, water, salt and time.',
      'Let the dough rest overnight in a cool place.',
      'A hot pot with a lid gives a good crust.',
      'The first loaf is rarely the best one.',
    ],
  },
  {
    name: 'writing a newsletter',
    sentences: [
      'A newsletter should be short and useful.',
      'Begin with the news that matters to the reader.',
      'One picture says enough.',
      'Send it on the same day each month.',
    ],
  },
  {
    name: 'riding a bicycle in winter',
    sentences: [
      'Lights and gloves are the most important things.',
      'Let a little air out of the tyres when it is icy.',
      'Brake early and without haste.',
      'Dry the chain after a wet ride.',
    ],
  },
  {
    name: 'working from home',
    sentences: [
      'A fixed place to work helps you to stop in the evening.',
      'Begin the day with a short walk.',
      'Tell others when you can be reached.',
      'Lunch away from the screen is a real break.',
    ],
  },
];
