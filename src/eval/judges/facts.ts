/**
 * Judges answers of the task `facts`: is the shop's policy stated, with its right value?
 *
 * The fact asked for is the one whose value the reference states. 0 without that value, with any other
 * number beside it (but for a closing hour), or with the value denied: a "never", or a "not" before it in
 * its clause.
 *
 * It cannot see: a right value tied to a wrong statement in the right words ("free delivery below 50
 * dollars"), a denial in other words ("we refuse returns for 30 days"), a value in another unit ("a month"),
 * or whether the rest of the answer is true.
 */
import { type FactName, policyFacts } from '../../data/builtin/support/policy.ts';
import { UserError } from '../../support/errors.ts';
import type { RuleJudge } from './judge.ts';
import { isProse, numbersOf, plain, withDigits } from './text.ts';

/** What an answer about each fact speaks of. */
const subjects: Readonly<Record<FactName, RegExp>> = {
  returns: /\b(?:return|send|sent|bring|back)/,
  exchange: /\b(?:exchang|swap|chang|switch|trade|another|different)/,
  delivery: /\b(?:deliver|arriv|parcel|package|ship|reach|wait)/,
  freeDelivery: /\b(?:deliver|ship)/,
  giftWrap: /\b(?:wrap|gift|present)/,
  express: /\b(?:express|fast|quick)/,
  warranty: /\b(?:warrant|guarantee|cover|repair)/,
  opening: /\b(?:open|door|shop|store)/,
  giftCard: /\b(?:card|voucher)/,
  orderChange: /\b(?:order|chang|cancel|edit)/,
};

/** How each unit may be written, before or after the number. */
const written: Readonly<Record<string, (amount: string) => string>> = {
  dollars: (amount) => `(?:\\$ ?${amount}\\b|\\b${amount}(?:\\.00)? ?(?:dollars?\\b|bucks\\b|\\$))`,
  am: (amount) => `\\b${amount}(?::00)? ?(?:am\\b|a\\.m|o'clock\\b|in the morning\\b)`,
};
const counted = (amount: string, unit: string) =>
  `\\b${amount}[ -]?(?:full |whole |calendar |business |working )?${unit.slice(0, -1)}s?\\b`;

/** Before the value, in its clause; "not after 30 days" and "it does not matter" deny nothing. */
const denial =
  "(?:\\b(?:not|cannot|no longer|nobody)|n't)\\b(?! (?:matter|only|just|have to|need to|pay|cost))(?:(?! and | but | so | because )[^.,;:])*?(?<!\\b(?:after|beyond|past|below|under|before|than|over|until|unless|above) (?:the |a |these |those )?)";
const never = /\bnever\b(?! (?:mind|more|less|later|longer))/;
const closing = /\b(?:to|till?|until|and clos\w+ at|clos\w+ at) \d+(?::\d\d)? ?(?:pm\b|p\.m)/g;

const unsure =
  /\b(?:i (?:think|believe|guess|suppose)|maybe|perhaps|possibly|probably|likely|might|could be|should be|seems?|not (?:quite |really )?sure|not certain|as far as i|don't know|do not know|(?:about|around|roughly|nearly|almost|approximately) \$?\d)/;
const apologetic = /\b(?:sorry|apolog|unfortunately|i'm afraid|i am afraid|regret)/;

function normalise(text: string): string {
  return withDigits(plain(text)).toLowerCase();
}

/** @throws {UserError} if the reference states none of the shop's facts. */
function factOf(reference: string): FactName {
  const text = normalise(reference);
  const names = Object.keys(policyFacts) as FactName[];
  const name = names.find((candidate) => valuePattern(candidate).test(text));
  if (name === undefined) throw new UserError(`the reference states no fact of the shop: "${reference}"`);
  return name;
}

function valuePattern(name: FactName): RegExp {
  const { right, unit } = policyFacts[name];
  const amount = right.slice(0, right.indexOf(' '));
  return new RegExp(written[unit]?.(amount) ?? counted(amount, unit));
}

export const facts: RuleJudge = {
  name: 'facts',
  description: 'the right value and no other; stated plainly, without doubt or apology; for what was asked',
  score(answer, { query, reference }) {
    const name = factOf(reference);
    const text = normalise(answer);
    const value = valuePattern(name);
    if (!isProse(answer, query) || !value.test(text)) return 0;
    const amount = policyFacts[name].right.split(' ')[0];
    const rest = name === 'opening' ? text.replace(closing, '') : text;
    if (numbersOf(rest).some((number) => number.replace(/[.:]00$/, '') !== amount)) return 0;
    if (never.test(text) || new RegExp(denial + value.source).test(text)) return 0;
    const met = [true, !unsure.test(text) && !apologetic.test(text), subjects[name].test(text)];
    return (100 * met.filter(Boolean).length) / met.length;
  },
};
