/** How a judging model is asked: what an experiment's configuration says. Where it is, the environment says. */
import * as z from 'zod';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';

const count = z.number().int().positive();
const price = z.number().nonnegative();

export const llmJudgeSettings = z
  .strictObject({
    /** As the endpoint names it; null: `LIFEALIGN_JUDGE_MODEL`. */
    model: z.string().trim().min(1).nullable().default(null),
    /** null: not sent, for models that take none. */
    temperature: z.number().min(0).max(2).nullable().default(0),
    /** Models that reason before they answer need room for it. */
    max_reply_tokens: count.default(512),
    /** The name under which the endpoint takes `max_reply_tokens`; OpenAI's newer models want the second. */
    token_parameter: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
    /** Have the endpoint force JSON (`response_format`); not all of them can. */
    json_mode: z.boolean().default(false),
    /** Requests under way at a time, in one call of a judge. */
    concurrency: count.max(256).default(4),
    requests_per_minute: z.number().positive().nullable().default(null),
    /** For one request. At most the 300 s after which `fetch` gives up by itself. */
    timeout_seconds: z.number().positive().max(300).default(60),
    /** After throttling, server errors, timeouts and broken connections. */
    max_retries: z.number().int().nonnegative().max(20).default(5),
    /** Limits of a run, which is the life of one client. null: none. */
    max_requests: count.nullable().default(null),
    max_tokens: count.nullable().default(null),
    /** In the currency of `prices`. */
    max_cost: z.number().positive().nullable().default(null),
    /** For a million tokens. */
    prices: z.strictObject({ prompt: price, reply: price }).nullable().default(null),
  })
  .refine((settings) => settings.max_cost === null || settings.prices !== null, {
    path: ['max_cost'],
    message: 'needs prices',
  });

export type LlmJudgeSettings = z.output<typeof llmJudgeSettings>;
export type LlmJudgeSettingsInput = z.input<typeof llmJudgeSettings>;

/** @throws {UserError} naming the first setting that is wrong. */
export function parseLlmJudgeSettings(input: unknown = {}): LlmJudgeSettings {
  const parsed = llmJudgeSettings.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const guess = issue.path.length === 0 ? didYouMean(key, Object.keys(llmJudgeSettings.shape)) : '';
    throw new UserError(`judge settings: unknown key "${[...issue.path, key].join('.')}".${guess}`);
  }
  const where = issue.path.length === 0 ? '' : ` "${issue.path.join('.')}"`;
  throw new UserError(`judge settings${where}: ${issue.message}`);
}
