/** The text side of models/tiny: the files of its tokenizer, and conversations as documents of tokens. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Conversation } from '../../src/data/builtin/neutral/conversation.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import { encodePrompt, encodeResponse } from '../../src/text/segments.ts';
import type { TextModel } from '../../src/text/text-model.ts';
import { trainTokenizer } from './bpe.ts';

export const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
export const padTokenId = 0;
export const eosTokenId = 2;

/** ChatML without a system prompt of its own. */
const chatTemplate =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Trains a tokenizer on conversations and writes `tokenizer.json` and `tokenizer_config.json`. */
export async function writeTextFiles(
  folder: string,
  conversations: readonly Conversation[],
  settings: { readonly vocabularySize: number; readonly maxPositions: number },
): Promise<void> {
  const texts = conversations.flatMap(({ messages, answer }) => [
    ...messages.flatMap(({ role, content }) => [`${role}\n`, content]),
    answer,
  ]);
  const tokenizer = trainTokenizer(texts, { vocabularySize: settings.vocabularySize, specialTokens });
  const config = {
    add_prefix_space: false,
    bos_token: null,
    chat_template: chatTemplate,
    clean_up_tokenization_spaces: false,
    eos_token: specialTokens[eosTokenId],
    model_max_length: settings.maxPositions,
    pad_token: specialTokens[padTokenId],
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: null,
  };
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer, null, 1)}\n`);
  await writeFileAtomic(join(folder, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

/** The tokens of a conversation, in the segments in which it will be asked and answered. */
export function encodeDocument({ messages, answer }: Conversation, text: TextModel): Int32Array {
  return Int32Array.from([...encodePrompt(messages, text), ...encodeResponse(answer, text.tokenizer)]);
}
