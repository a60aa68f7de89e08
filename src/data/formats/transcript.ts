/** Conversations written as one text, "\n\nHuman: ...\n\nAssistant: ...", as hh-rlhf has them. */
import { InvalidRow, kindOf } from '../invalid-row.ts';
import type { Message } from '../row.ts';

const TURN = /(?:^|\n\n)(Human|Assistant):/g;
const START = /^\s*Human:/;

export function isTranscript(value: unknown): value is string {
  return typeof value === 'string' && START.test(value) && value.includes('\n\nAssistant:');
}

/** Its turns, without the blank space around them. @throws {InvalidRow} for a text that is no transcript. */
export function turnsOf(value: unknown, field: string): Message[] {
  if (typeof value !== 'string') throw new InvalidRow(field, `expected a transcript, found ${kindOf(value)}`);
  if (!isTranscript(value)) {
    throw new InvalidRow(field, 'expected a transcript: "Human: ...", a blank line, "Assistant: ..."');
  }
  const text = value.trimStart();
  const starts = [...text.matchAll(TURN)];
  return starts.map((start, at) => ({
    role: start[1] === 'Human' ? 'user' : 'assistant',
    content: text.slice(start.index + start[0].length, starts[at + 1]?.index).trim(),
  }));
}

/**
 * Two transcripts as one prompt and two answers, parted at the last Assistant turn.
 * @throws {InvalidRow} if either ends with another turn, or they differ before it.
 */
export function splitTranscripts(chosen: unknown, rejected: unknown) {
  const [better, worse] = [turnsOf(chosen, 'chosen'), turnsOf(rejected, 'rejected')];
  for (const [field, turns] of [
    ['chosen', better],
    ['rejected', worse],
  ] as const) {
    if (turns.at(-1)?.role !== 'assistant')
      throw new InvalidRow(field, "the last turn is not the Assistant's");
  }
  const prompt = better.slice(0, -1);
  if (JSON.stringify(worse.slice(0, -1)) !== JSON.stringify(prompt)) {
    throw new InvalidRow('rejected', 'differs from "chosen" before the last Assistant turn');
  }
  return { prompt, chosen: better.at(-1)?.content ?? '', rejected: worse.at(-1)?.content ?? '' };
}
