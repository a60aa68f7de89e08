/**
 * Open WebUI's export of feedback (admin panel, evaluations, feedbacks: a JSON array). A record rates one message of
 * a chat by 1 or -1, and has the chat as it was then, a tree of messages by id. What was asked is the way from the
 * tree's root to the message. Ratings between models (arena) are ratings of the message like others. Written after
 * the fields of its FeedbackModel and of its front end; not checked against a file of a running Open WebUI.
 */
import * as z from 'zod';
import { type FeedbackImporter, type Imported, problemOf } from './importer.ts';

const message = z.looseObject({
  role: z.string(),
  content: z.string(),
  parentId: z.string().nullish(),
});
const history = z.looseObject({ messages: z.record(z.string(), message) });

const record = z.looseObject({
  id: z.string().min(1),
  user_id: z.string().nullish(),
  data: z.looseObject({
    rating: z.coerce.number(),
    reason: z.string().nullish(),
    comment: z.string().nullish(),
    tags: z.array(z.string()).nullish().catch(null),
  }),
  meta: z.looseObject({ message_id: z.string() }),
  snapshot: z.looseObject({
    // The chat as the server gives it, with the conversation inside; or that alone.
    chat: z.union([z.looseObject({ chat: z.looseObject({ history }) }), z.looseObject({ history })]),
  }),
});

type Messages = z.output<typeof history>['messages'];

export const openWebui: FeedbackImporter = {
  name: 'open-webui',
  describes: "Open WebUI's export of feedback",
  takes: [],
  recognises: (value) =>
    typeof value === 'object' && value !== null && 'snapshot' in value && 'data' in value && 'meta' in value,
  read: (value) => [readRecord(value)],
};

function readRecord(value: unknown): Imported | string {
  const parsed = record.safeParse(value);
  if (!parsed.success) return problemOf(parsed.error);
  const { id, user_id: person, data, meta, snapshot } = parsed.data;
  const chat = 'chat' in snapshot.chat ? (snapshot.chat.chat as { history: unknown }) : snapshot.chat;
  const { messages } = history.parse(chat.history);
  if (data.rating !== 1 && data.rating !== -1) return `data.rating: expected 1 or -1, got ${data.rating}`;
  const answer = messages[meta.message_id];
  if (!answer) return 'meta.message_id: the snapshot has no such message';
  const prompt = wayTo(messages, answer.parentId);
  if (prompt === null) return 'snapshot.chat: the messages before the rated one are not all there';
  const comment = [data.reason, data.comment].filter((text) => text).join(': ');
  return {
    id,
    request: {
      prompt,
      answer: answer.content,
      rating: data.rating > 0 ? 'up' : 'down',
      ...(comment === '' ? {} : { comment }),
      ...(data.tags ? { tags: data.tags } : {}),
      ...(person ? { person } : {}),
    },
  };
}

/** Messages from the root on; null where one is missing, or the way goes round. */
function wayTo(messages: Messages, last: string | null | undefined) {
  const way: { role: string; content: string }[] = [];
  const met = new Set<string>();
  for (let id = last; id != null; id = messages[id]?.parentId) {
    const one = messages[id];
    if (!one || met.has(id)) return null;
    met.add(id);
    way.unshift({ role: one.role, content: one.content });
  }
  return way;
}
