/**
 * The body of a chat completion as the embedded engine answers it: first of what a request meets behind the HTTP
 * layer. What it knows of OpenAI's parameters is one of three: it works; it may stand there with the value that
 * changes nothing; or it is refused by name. Nothing that would change an answer is passed over in silence.
 */
import * as z from 'zod';
import { generationRanges } from '../../engine/generation-ranges.ts';

/** Choices of one request; OpenAI takes 128, more than anyone waits for on a CPU. */
const MOST_CHOICES = 16;
const MOST_STOPS = 4;
const MOST_MESSAGES = 4096;

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });

const content = z.union([z.string(), z.array(textPart).min(1)], {
  error:
    'expected text, or a list of {"type": "text", "text"} parts; other kinds of content are not supported',
});

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'expected system, developer, user or assistant; tools are not supported',
  }),
  content,
  // As clients send an earlier answer back.
  refusal: z.null().optional(),
  audio: z.null().optional(),
  annotations: z.array(z.never()).nullish(),
});

/** A parameter that may only say what happens anyway. */
function neutral(...values: readonly unknown[]) {
  const keys = new Set([null, ...values].map((value) => JSON.stringify(value)));
  const takes = [...values, null].map((value) => JSON.stringify(value)).join(' or ');
  return z
    .unknown()
    .refine((value) => value === undefined || keys.has(JSON.stringify(value)), {
      error: `this server does not support it: leave it out, or send ${takes}`,
    })
    .optional()
    .meta({ description: `Not supported; may only be ${takes}.` });
}

const number = (least: number, most: number) => z.number().min(least).max(most).nullish();
const count = (most: number) => z.int().min(1).max(most).nullish();

/** What is noted by others than the engine, and changes no answer. */
const withoutEffect = {
  user: z
    .string()
    .max(256)
    .nullish()
    .meta({ description: 'Whom the answer is for; feedback of a person can be deleted.' }),
  safety_identifier: z.string().max(256).nullish(),
  prompt_cache_key: z.string().max(256).nullish(),
  prompt_cache_retention: z.string().max(64).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  service_tier: neutral('auto', 'default'),
  store: z.boolean().nullish().meta({ description: 'false: the answer is not kept for later feedback.' }),
};

const unsupported = {
  audio: neutral(),
  frequency_penalty: neutral(0),
  function_call: neutral('none'),
  functions: neutral([]),
  logit_bias: neutral({}),
  logprobs: neutral(false),
  modalities: neutral(['text']),
  moderation: neutral(),
  prediction: neutral(),
  presence_penalty: neutral(0),
  reasoning_effort: neutral('none'),
  response_format: neutral({ type: 'text' }),
  tool_choice: neutral('none', 'auto'),
  tools: neutral([]),
  top_logprobs: neutral(0),
  verbosity: neutral(),
  web_search_options: neutral(),
};

export const chatRequestSchema = z
  .strictObject({
    model: z.string().min(1).max(512),
    messages: z.array(message).min(1).max(MOST_MESSAGES),
    max_tokens: count(generationRanges.maxNewTokens.most),
    max_completion_tokens: count(generationRanges.maxNewTokens.most),
    n: count(MOST_CHOICES),
    temperature: number(0, 2),
    top_p: number(0, 1),
    top_k: z.int().min(-1).max(generationRanges.topK.most).nullish(),
    min_p: number(0, 1),
    repetition_penalty: number(
      generationRanges.repetitionPenalty.least,
      generationRanges.repetitionPenalty.most,
    ),
    seed: z.int().nullish(),
    stop: z
      .union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).max(MOST_STOPS)], {
        error: `expected a text, or up to ${MOST_STOPS} of them, none of them empty`,
      })
      .nullish(),
    stream: z.boolean().nullish(),
    stream_options: z
      .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
      .nullish(),
    ...withoutEffect,
    ...unsupported,
  })
  .refine((body) => body.stream === true || !body.stream_options, {
    path: ['stream_options'],
    error: 'only for "stream": true',
  })
  .refine(
    ({ max_tokens, max_completion_tokens }) =>
      max_tokens == null || max_completion_tokens == null || max_tokens === max_completion_tokens,
    { path: ['max_tokens'], error: 'differs from max_completion_tokens; send one of them' },
  );

export type ChatRequest = z.output<typeof chatRequestSchema>;
