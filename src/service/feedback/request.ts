/** The body of `/v1/feedback`: about an answer of this service, or about texts that it brings along. */
import * as z from 'zod';
import { storedText } from '../http/text.ts';

const MOST_TAGS = 20;
const text = storedText().min(1);

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(z.strictObject({ type: z.literal('text'), text: z.string() }))], {
    error: 'expected text, or a list of {"type": "text", "text"} parts',
  }),
});

export const feedbackRequestSchema = z
  .strictObject({
    completion_id: text.max(256).optional().meta({ description: 'The id of an answer.' }),
    choice: z.int().min(0).max(127).optional().meta({ description: 'Which of its choices; 0 if left out.' }),
    prompt: z
      .union([text, z.array(message).min(1).max(4096)], {
        error: 'expected a text, or a list of messages with role and content',
      })
      .optional()
      .meta({ description: 'What was asked, where there is no completion_id.' }),
    answer: text.optional().meta({ description: 'What was answered, where there is no completion_id.' }),
    rating: z.enum(['up', 'down']).optional(),
    edited: text.optional().meta({ description: 'The answer as it should have been.' }),
    chosen: text.optional().meta({ description: 'The better one of a pair.' }),
    rejected: text.optional(),
    comment: text.max(10_000).optional(),
    tags: z.array(z.string().min(1).max(64)).max(MOST_TAGS).optional(),
    person: text.max(256).optional().meta({ description: 'Whose feedback it is: to be deleted by.' }),
  })
  .superRefine((body, context) => {
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const { completion_id: completion, prompt, answer, rating, edited, chosen, rejected, comment } = body;
    if (completion !== undefined && (prompt !== undefined || answer !== undefined)) {
      wrong(
        prompt === undefined ? 'answer' : 'prompt',
        'stands already in the answer that completion_id names',
      );
    }
    if (completion === undefined && body.choice !== undefined) wrong('choice', 'only with completion_id');
    if (completion === undefined && prompt === undefined) {
      wrong('completion_id', 'missing; expected the id of an answer, or a prompt');
    }
    if ((chosen === undefined) !== (rejected === undefined)) {
      wrong(chosen === undefined ? 'chosen' : 'rejected', 'missing; a pair has both');
    }
    if (chosen !== undefined && chosen === rejected) wrong('rejected', 'equal to chosen');
    if (chosen !== undefined && (rating !== undefined || edited !== undefined || answer !== undefined)) {
      wrong('chosen', 'a pair stands for itself; send a rating or an edited answer apart from it');
    }
    if ((rating !== undefined || edited !== undefined) && completion === undefined && answer === undefined) {
      wrong('answer', 'missing; expected what the rating or edit is about, or a completion_id');
    }
    if (edited !== undefined && edited === answer) wrong('edited', 'equal to the answer');
    if (rating === undefined && edited === undefined && chosen === undefined && comment === undefined) {
      wrong('rating', 'missing; expected a rating, an edited answer, a pair or a comment');
    }
  });

export type FeedbackRequest = z.output<typeof feedbackRequestSchema>;

export const KINDS = ['rating', 'edit', 'pair', 'comment'] as const;
export type FeedbackKind = (typeof KINDS)[number];

export function kindOf({ chosen, edited, rating }: FeedbackRequest): FeedbackKind {
  if (chosen !== undefined) return 'pair';
  if (edited !== undefined) return 'edit';
  return rating === undefined ? 'comment' : 'rating';
}
