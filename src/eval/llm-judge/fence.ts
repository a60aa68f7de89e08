/**
 * Puts texts of others into a prompt as data. Each stands between two lines that bear a code; the code is
 * made from the texts themselves, so that none of them can contain it and close its own fence, and equal
 * texts give equal prompts, which the cache needs.
 *
 * What a fence cannot prevent: it tells the judging model where data begins and ends, but the model reads
 * it all the same. A text written to move it (flattery, an appeal, a claim to be right, an instruction it
 * follows against its orders) may still do so, the more with a weak model. Control tokens of a model whose
 * notation is not known here could pass for the template's own on servers that read them in messages. To
 * notice either, judge a few such texts beside honest ones, or the same answers with a second model.
 */
import { sha256 } from '../../support/hash.ts';

/** Texts by what they are, in the order in which they shall stand: `question`, `answer`, ... */
export type Sections = readonly (readonly [name: string, text: string])[];

export interface Fenced {
  /** Stands in every fence and nowhere in the texts. */
  readonly code: string;
  readonly text: string;
}

const CODE_LENGTH = 16;

export function fence(sections: Sections): Fenced {
  const shown = sections.map(([name, text]) => [name, withoutControlTokens(wellFormed(text))] as const);
  let code = sha256(shown.flat()).slice(0, CODE_LENGTH);
  while (shown.some(([, text]) => text.includes(code))) code = sha256([code]).slice(0, CODE_LENGTH);
  const blocks = shown.map(
    ([name, text]) => `<<<${code} ${name} begins>>>\n${text}\n<<<${code} ${name} ends>>>`,
  );
  return { code, text: blocks.join('\n\n') };
}

/**
 * Many servers read a model's control tokens in the text of messages, so that an answer that holds one
 * (weak models write them) would end its turn and open another. A space after the bracket makes them plain.
 */
function withoutControlTokens(text: string): string {
  return text.replace(
    /([<[]{1,2})(?=[|｜][^|｜<>\s]{1,40}[|｜]>|\/?(?:s|bos|eos|pad|unk|think)>|(?:start|end)_of_turn>|\/?INST\]|\/?SYS>>)/gi,
    '$1 ',
  );
}

/** Half a surrogate pair cannot be sent as UTF-8; some servers fail on it. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
