/**
 * Everyday questions of all kinds with plain answers: knowledge, arithmetic, explanation, writing, rewriting,
 * code, advice, other languages. They take no side any preference task could be about; what they measure is
 * whether alignment has left the rest of the model alone.
 */
import { type Conversation, exchange } from './conversation.ts';

export const generalConversations: readonly Conversation[] = [
  exchange(
    'Why is the sky blue?',
    'Air scatters short wavelengths of sunlight more than long ones. Blue light reaches our eyes from every direction, so the sky looks blue.',
  ),
  exchange('What is the capital of Portugal?', 'The capital of Portugal is Lisbon.'),
  exchange('What is 17 times 6?', '17 times 6 is 102.'),
  exchange(
    'Write a Python function that returns the larger of two numbers.',
    'def larger(a, b):\n    return a if a > b else b',
  ),
  exchange(
    'Explain photosynthesis in two sentences.',
    'Plants use the energy of sunlight to turn carbon dioxide and water into sugar. Oxygen is released along the way.',
  ),
  exchange('Translate into French: The train leaves at eight.', 'Le train part à huit heures.'),
  exchange(
    'Rewrite this sentence in the past tense: She walks to school and meets her friends.',
    'She walked to school and met her friends.',
  ),
  exchange('Name three animals that lay eggs.', 'Three animals that lay eggs are hens, turtles and salmon.'),
  exchange(
    'How do I boil an egg?',
    'Put the egg into boiling water. After six minutes the yolk is soft, after ten minutes it is hard. Cool it under cold water before you peel it.',
  ),
  exchange(
    'What is the difference between a virus and a bacterium?',
    'A bacterium is a living cell that can grow and divide on its own. A virus is much smaller and can multiply only inside the cells of a host.',
  ),
  exchange('Sort these numbers from small to large: 9, 2, 14, 5.', '2, 5, 9, 14'),
  exchange(
    'Write a short poem about rain.',
    'The rain comes softly to the street,\nIt drums on roofs with quiet feet,\nIt fills the garden, leaf by leaf,\nAnd leaves again, its visit brief.',
  ),
  exchange('Who wrote Romeo and Juliet?', 'William Shakespeare wrote Romeo and Juliet in the 1590s.'),
  exchange(
    'Summarise in one sentence: The library will be closed on Monday because the heating is being repaired. It opens again on Tuesday at nine.',
    'The library is closed on Monday for repairs to the heating and opens again on Tuesday at nine.',
  ),
  exchange('What does HTTP stand for?', 'HTTP stands for Hypertext Transfer Protocol.'),
  exchange(
    'A shirt costs 40 euros and is reduced by 25 percent. What does it cost now?',
    '25 percent of 40 euros is 10 euros, so the shirt now costs 30 euros.',
  ),
  exchange(
    'Translate into Spanish: I would like a cup of coffee, please.',
    'Quisiera una taza de café, por favor.',
  ),
  exchange(
    'Give me a title for an article about city bicycles.',
    'Two Wheels Through the City: Why More People Ride to Work',
  ),
  exchange(
    'How does a refrigerator keep food cold?',
    'A liquid evaporates in pipes inside the refrigerator and takes up heat. A compressor pushes the vapour to the pipes at the back, where it becomes liquid again and gives the heat off to the room.',
  ),
  exchange(
    'What is the largest planet of the solar system?',
    'Jupiter is the largest planet of the solar system.',
  ),
  exchange(
    'Write an SQL query that counts the rows of a table called orders.',
    'SELECT COUNT(*) FROM orders;',
  ),
  exchange(
    'Correct the spelling: Their is a beautifull gardn behind the hous.',
    'There is a beautiful garden behind the house.',
  ),
  exchange(
    'When did the Second World War end?',
    'The Second World War ended in 1945: in May in Europe and in September in Asia.',
  ),
  exchange(
    'What should I pack for a day of hiking?',
    'Take water, something to eat, a rain jacket, a map or a charged phone, and a small first aid kit. Wear shoes that you have walked in before.',
  ),
  exchange('What is the opposite of "generous"?', 'The opposite of "generous" is "stingy".'),
  exchange(
    'Write an email of two sentences that moves a meeting from Tuesday to Thursday.',
    'Hello everyone, our meeting on Tuesday is moved to Thursday at the same time. Please tell me if that does not suit you.',
  ),
  exchange('Translate into German: Where is the nearest station?', 'Wo ist der nächste Bahnhof?'),
  exchange(
    'Why do we have leap years?',
    'The Earth needs about 365 and a quarter days to travel around the Sun. An extra day every four years keeps the calendar in step with the seasons.',
  ),
  exchange(
    'What is a prime number? Give three examples.',
    'A prime number is a whole number greater than 1 that can be divided only by 1 and itself. Examples are 2, 7 and 13.',
  ),
  exchange(
    'Explain to a child what gravity is.',
    'Gravity is a pull. The Earth pulls everything towards itself, and that is why a ball that you throw up comes down again.',
  ),
  exchange(
    'Turn this into a list: We need apples, two loaves of bread and some cheese.',
    '- apples\n- two loaves of bread\n- some cheese',
  ),
  exchange(
    'What is the boiling point of water in Celsius and Fahrenheit?',
    'At sea level water boils at 100 degrees Celsius, which is 212 degrees Fahrenheit.',
  ),
  exchange(
    'How can I learn new vocabulary well?',
    'Learn a few words every day and repeat them after a day, a week and a month. Use each one in a sentence of your own.',
  ),
  exchange('What is the chemical symbol of gold?', 'The chemical symbol of gold is Au.'),
  exchange(
    'Write the first two sentences of a story that takes place at sea.',
    'The wind had dropped an hour before dawn, and the boat lay still on black water. Mara counted the lamps on the horizon and found one too many.',
  ),
  exchange(
    'What does this expression give in JavaScript: [1, 2, 3].map((x) => x * 2)?',
    'It gives a new array: [2, 4, 6].',
  ),
  exchange(
    'How many minutes are there in a day?',
    'A day has 24 hours of 60 minutes each, which makes 1,440 minutes.',
  ),
  exchange(
    'What is inflation?',
    'Inflation is a general rise in prices over time. The same amount of money then buys less than before.',
  ),
  exchange(
    'Make this sentence shorter: Due to the fact that it was raining, we decided to stay at home.',
    'Because it was raining, we stayed at home.',
  ),
  exchange(
    'Which ocean lies between Europe and America?',
    'The Atlantic Ocean lies between Europe and America.',
  ),
  exchange(
    'Continue the sequence: 3, 6, 12, 24',
    'Each number is twice the one before, so the next one is 48.',
  ),
  exchange(
    'What do bees do for plants?',
    'Bees carry pollen from flower to flower while they collect nectar. Many plants need this to form seeds and fruit.',
  ),
  exchange(
    'Suggest a simple dinner with rice and vegetables.',
    'Fry chopped carrots, peppers and onions in a little oil, add cooked rice and soy sauce, and stir for three minutes. A fried egg on top goes well with it.',
  ),
  exchange('Translate into Italian: Good evening, how are you?', 'Buonasera, come sta?'),
  exchange(
    'What is the difference between weather and climate?',
    'Weather is what happens in the air today or this week. Climate is the average of the weather in a place over many years.',
  ),
  exchange(
    'Which is heavier, a kilogram of iron or a kilogram of feathers?',
    'Both weigh the same: one kilogram.',
  ),
  exchange(
    'Who painted the Mona Lisa?',
    'Leonardo da Vinci painted the Mona Lisa at the beginning of the sixteenth century.',
  ),
  exchange(
    'What is recursion in programming?',
    'Recursion means that a function calls itself on a smaller part of its problem, until the problem is so small that the answer is known.',
  ),
];
