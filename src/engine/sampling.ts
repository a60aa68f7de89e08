/**
 * From logits to the next token, in the order transformers applies its settings: repetition penalty,
 * temperature, top-k, top-p, min-p. Pure functions, shared by all engines; `generation-ranges.ts` says what the
 * settings may be.
 */
import { UserError } from '../support/errors.ts';

export interface SamplingSettings {
  /** Divides the logits; 0, the default, takes the most probable token. */
  readonly temperature?: number;
  /** Only the k most probable tokens; 0, the default: all. */
  readonly topK?: number;
  /** Only the most probable tokens that together reach this probability; 1, the default: all. */
  readonly topP?: number;
  /** Only tokens at least this many times as probable as the most probable one; 0, the default: all. */
  readonly minP?: number;
  /** Makes tokens of the prompt and the answer so far less probable; 1, the default, does not. */
  readonly repetitionPenalty?: number;
}

/** Tokens and their probabilities, which add up to 1; tokens ascend. */
export interface Distribution {
  readonly tokens: Int32Array;
  readonly probabilities: Float64Array;
}

/**
 * @param seen tokens the repetition penalty is for
 * @param uniform a number in [0, 1), asked for only where something is drawn
 */
export function nextToken(
  logits: Float32Array,
  settings: SamplingSettings,
  seen: Iterable<number>,
  uniform: () => number,
): number {
  const { temperature = 0, repetitionPenalty = 1 } = settings;
  const penalised = repetitionPenalty === 1 ? logits : penalise(logits, seen, repetitionPenalty);
  return temperature === 0 ? largestAt(penalised) : draw(distribution(penalised, settings), uniform());
}

/**
 * Divides positive logits of the given tokens by the penalty, multiplies others. [arXiv:1909.05858, 4.1] Tokens
 * that have none, which stand for soft prompts, are passed over.
 */
export function penalise(logits: Float32Array, seen: Iterable<number>, penalty: number): Float32Array {
  const result = logits.slice();
  for (const token of new Set(seen)) {
    const logit = logits[token];
    if (logit === undefined) continue;
    result[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return result;
}

/** Where the largest number stands, the first of equals. */
export function largestAt(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    if ((logits[token] as number) > (logits[best] as number)) best = token;
  }
  return best;
}

/** What is left to draw from after temperature, top-k, top-p and min-p. The temperature is not 0. */
export function distribution(logits: Float32Array, settings: SamplingSettings): Distribution {
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = settings;
  let kept = topK > 0 && topK < logits.length ? keepTop(logits, topK) : everyToken(logits);
  if (topP < 1) kept = keepMass(softmax(kept, logits, temperature), topP);
  if (minP > 0) kept = keepLikely(softmax(kept, logits, temperature), minP);
  return softmax(kept, logits, temperature);
}

/**
 * The token at which the running sum of probabilities first exceeds a number in [0, 1).
 * @throws {UserError} if no probability is positive
 */
export function draw({ tokens, probabilities }: Distribution, uniform: number): number {
  let sum = 0;
  for (let at = 0; at < tokens.length; at++) {
    sum += probabilities[at] as number;
    if (uniform < sum) return tokens[at] as number;
  }
  // Rounding may leave the sum short of 1.
  const last = tokens[probabilities.findLastIndex((probability) => probability > 0)];
  if (last !== undefined) return last;
  throw new UserError('no token has a positive probability: the logits overflow', { exitCode: 1 });
}

// Vocabularies are large and this is done for every token: plain loops, several times as quick as callbacks.

function everyToken(logits: Float32Array): Int32Array {
  const tokens = new Int32Array(logits.length);
  for (let token = 0; token < tokens.length; token++) tokens[token] = token;
  return tokens;
}

/** softmax(logits / temperature) over some tokens. */
function softmax(tokens: Int32Array, logits: Float32Array, temperature: number): Distribution {
  let largest = -Infinity;
  for (const token of tokens) largest = Math.max(largest, logits[token] as number);
  const probabilities = new Float64Array(tokens.length);
  let total = 0;
  for (let at = 0; at < tokens.length; at++) {
    const power = Math.exp(((logits[tokens[at] as number] as number) - largest) / temperature);
    probabilities[at] = power;
    total += power;
  }
  for (let at = 0; at < tokens.length; at++) probabilities[at] = (probabilities[at] as number) / total;
  return { tokens, probabilities };
}

/** Tokens whose logit is at least the k-th largest: more than k where it occurs again. */
function keepTop(logits: Float32Array, k: number): Int32Array {
  const threshold = kthLargest(logits, k);
  return everyToken(logits).filter((token) => (logits[token] as number) >= threshold);
}

/** Without sorting the rest. [Hoare 1961, algorithm 65: FIND] */
function kthLargest(values: Float32Array, k: number): number {
  const work = values.slice();
  const wanted = work.length - k;
  let [low, high] = [0, work.length - 1];
  while (low < high) {
    const pivot = work[(low + high) >> 1] as number;
    let [left, right] = [low, high];
    while (left <= right) {
      while ((work[left] as number) < pivot) left++;
      while ((work[right] as number) > pivot) right--;
      if (left > right) break;
      const swapped = work[left] as number;
      work[left++] = work[right] as number;
      work[right--] = swapped;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return work[wanted] as number;
}

/** The least probable tokens go while they hold at most 1 − mass. [Holtzman et al. 2020, arXiv:1904.09751] */
function keepMass({ tokens, probabilities }: Distribution, mass: number): Int32Array {
  // So little each that together they cannot exceed 1 − mass: not sorting them saves most of the time.
  const negligible = (1 - mass) / tokens.length;
  const candidates: number[] = [];
  let sum = 0;
  for (let at = 0; at < tokens.length; at++) {
    if ((probabilities[at] as number) > negligible) candidates.push(at);
    else sum += probabilities[at] as number;
  }
  candidates.sort((a, b) => (probabilities[a] as number) - (probabilities[b] as number));
  const kept = candidates.filter((at, rank) => {
    sum += probabilities[at] as number;
    return sum > 1 - mass || rank === candidates.length - 1;
  });
  return Int32Array.from(kept, (at) => tokens[at] as number).sort();
}

/** [Nguyen et al. 2024, arXiv:2407.01082] */
function keepLikely({ tokens, probabilities }: Distribution, share: number): Int32Array {
  let most = 0;
  for (const probability of probabilities) most = Math.max(most, probability);
  return tokens.filter((_, at) => (probabilities[at] as number) >= share * most);
}
