/** How customers ask for the shop's facts, and how they are stated. Read by `facts.ts`. */
import type { FactName } from './policy.ts';
import { type BySplit, browsing, ordered } from './shop.ts';

interface FactWordings {
  readonly openers: BySplit;
  readonly questions: BySplit;
  readonly statements: readonly string[];
}

export const factWordings: Readonly<Record<FactName, FactWordings>> = {
  returns: {
    openers: ordered,
    questions: {
      train: [
        'How many days do I have to return it?',
        'How long can I wait before I send it back?',
        'Until when may I return something I do not like?',
      ],
      validation: ['What is the time limit for a return?', 'How many days are allowed for sending it back?'],
      test: [
        'If I do not want it, how much time is there for a return?',
        'On which day is it too late for sending this one back?',
      ],
    },
    statements: [
      'You can return the {item} within {value} of delivery.',
      'Returns are open for {value} after your {item} arrives.',
      'You have {value} to send the {item} back to us.',
      'We take the {item} back for {value} after delivery.',
      'The time limit for returns is {value} from the delivery.',
    ],
  },
  exchange: {
    openers: ordered,
    questions: {
      train: [
        'How many days do I have to exchange it for another colour?',
        'How long is an exchange possible after I buy it?',
        'Until when can I swap it for a different one?',
      ],
      validation: ['What is the time limit for an exchange?', 'How many days are allowed for a swap?'],
      test: [
        'If I want another one, how much time is there for an exchange?',
        'On which day is it too late for me to swap this?',
      ],
    },
    statements: [
      'You can exchange the {item} within {value} of delivery.',
      'Exchanges are open for {value} after your {item} arrives.',
      'You have {value} to swap the {item} for another one.',
      'We swap the {item} for a different one for {value}.',
      'The time limit for an exchange is {value} from the delivery.',
    ],
  },
  delivery: {
    openers: browsing,
    questions: {
      train: [
        'How many days does normal delivery take?',
        'How long will I wait for it with normal delivery?',
        'When does a normal parcel arrive after I order?',
      ],
      validation: [
        'What is the time for a normal delivery?',
        'How many days until a normal parcel gets here?',
      ],
      test: [
        'If I order today, how much time will your normal delivery take?',
        'How long would my parcel be on its way to me with normal delivery?',
      ],
    },
    statements: [
      'Normal delivery of the {item} takes {value} from your order.',
      'Your {item} arrives {value} after you order it.',
      'A normal parcel gets to your home in {value}.',
      'You wait {value} for the {item} with normal delivery.',
      'The time for normal delivery of a {item} is {value}.',
    ],
  },
  freeDelivery: {
    openers: browsing,
    questions: {
      train: [
        'How much do I have to spend for free delivery?',
        'What order total makes delivery free?',
        'From what amount is my delivery free?',
      ],
      validation: [
        'What is the minimum for free delivery?',
        'How many dollars must I spend to get free delivery?',
      ],
      test: [
        'What must the total be so that delivery costs me nothing?',
        'From which total on do I pay nothing for the delivery?',
      ],
    },
    statements: [
      'Delivery is free when you spend {value} or more.',
      'Orders from {value} come with free delivery to your home.',
      'The minimum for free delivery of the {item} is {value}.',
      'You pay nothing for delivery from a total of {value}.',
      'Spend {value} and the delivery of your {item} is free.',
    ],
  },
  giftWrap: {
    openers: browsing,
    questions: {
      train: [
        'How much do you charge for gift wrap?',
        'What does it cost to have it wrapped as a gift?',
        'How many dollars is gift wrap?',
      ],
      validation: ['What is the price of gift wrap?', 'How much more do I pay to have it wrapped?'],
      test: [
        'If you wrap it for me, what do I pay for that?',
        'What is the charge when you send it wrapped to my friend?',
      ],
    },
    statements: [
      'Gift wrap for the {item} costs {value}.',
      'We wrap your {item} as a gift for {value}.',
      'You pay {value} to have the {item} wrapped.',
      'The price of gift wrap is {value} for the {item}.',
      'We charge {value} for gift wrap on your {item}.',
    ],
  },
  express: {
    openers: browsing,
    questions: {
      train: [
        'How much is express delivery?',
        'What do you charge for express delivery?',
        'How many dollars does the express service cost?',
      ],
      validation: [
        'What is the price of express delivery?',
        'How much more do I pay for the express service?',
      ],
      test: [
        'If I want it by express, what do I pay you for that?',
        'What is the charge when the parcel comes by express?',
      ],
    },
    statements: [
      'Express delivery of the {item} costs {value}.',
      'We send your {item} by express for {value}.',
      'You pay {value} to get the {item} by express.',
      'The price of express delivery is {value} for the {item}.',
      'We charge {value} for express service on your {item}.',
    ],
  },
  warranty: {
    openers: browsing,
    questions: {
      train: [
        'How long is it under warranty?',
        'For how many years is there a warranty?',
        'How many years does the warranty cover?',
      ],
      validation: ['What is the time limit of the warranty?', 'How long does your warranty last?'],
      test: [
        'If it is broken one day, how long can the warranty help me?',
        'After what time will its warranty end?',
      ],
    },
    statements: [
      'The warranty on the {item} lasts {value}.',
      'Your {item} is under warranty for {value} from delivery.',
      'The {item} comes with a warranty of {value}.',
      'We give you a warranty of {value} on the {item}.',
      'The warranty covers your {item} for {value} after you buy it.',
    ],
  },
  opening: {
    openers: browsing,
    questions: {
      train: [
        'At what time do you open in the morning?',
        'When does the shop open its doors?',
        'What is your opening time?',
      ],
      validation: ['From what time is the shop open?', 'How early can I come to the shop?'],
      test: [
        'If I come in the morning, when are your doors open?',
        'How early may I be in your shop to see it?',
      ],
    },
    statements: [
      'The shop opens at {value} in the morning.',
      'Our doors open at {value} each day.',
      'You can come to the shop from {value} to see the {item}.',
      'We open at {value}, so you can look at the {item} then.',
      'Our opening time is {value} each morning.',
    ],
  },
  giftCard: {
    openers: browsing,
    questions: {
      train: [
        'How long is a gift card good for?',
        'How many months can I use a gift card?',
        'When does a gift card end?',
      ],
      validation: ['What is the time limit on a gift card?', 'For how many months does a gift card last?'],
      test: [
        'If I pay with your gift card, how old may the card be?',
        'How much time is there to spend the gift card from my mother?',
      ],
    },
    statements: [
      'A gift card is good for {value} from the day you buy it.',
      'You can use a gift card for {value}.',
      'Our gift cards last {value} after you buy them.',
      'You have {value} to spend a gift card in our shop.',
      'The time limit on a gift card is {value}.',
    ],
  },
  orderChange: {
    openers: ordered,
    questions: {
      train: [
        'How long can I still change my order?',
        'How many hours do I have to cancel my order?',
        'Until when can I change the address on my order?',
      ],
      validation: [
        'What is the time limit for a change to my order?',
        'How many hours are allowed to cancel it?',
      ],
      test: [
        'If my order has a mistake, how much time is left to change it?',
        'At which hour is it too late for me to cancel this?',
      ],
    },
    statements: [
      'You can change or cancel your order for {value}.',
      'Orders stay open for changes for {value} after you pay.',
      'You have {value} to change or cancel the order.',
      'We can change your order for the {item} within {value}.',
      'The time limit to change or cancel an order is {value}.',
    ],
  },
};
