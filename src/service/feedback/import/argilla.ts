/**
 * Argilla's records, version 2 (argilla-record.ts): each answer that a person gave to a question is a piece of
 * feedback. A number rates the record's answer; a list of fields' names ranks those fields, and becomes a pair of every
 * two of them; one name of several like it (response-1 of response-1 and response-2) is preferred to the others; a text
 * is the answer as it should have been, or a comment, as its question's name says. What programs suggested is no
 * feedback, but where a person was to correct it, it is what was corrected.
 */
import {
  type ArgillaRecord,
  type ArgillaResponse,
  argillaRecord,
  isFlat,
  isNested,
} from './argilla-record.ts';
import { type FeedbackImporter, type Imported, type ImportSettings, thumbOf } from './importer.ts';

/** Parts that `--columns` gives names to, and the names that they have where nothing is said. */
export const ARGILLA_PARTS: Readonly<Record<string, readonly string[]>> = {
  prompt: ['prompt', 'instruction', 'question', 'query', 'input', 'chat', 'messages', 'conversation'],
  answer: ['answer', 'response', 'completion', 'output', 'generation'],
  edited: ['edited', 'edit', 'corrected', 'correction', 'corrected_response', 'rewrite', 'improved'],
  comment: ['comment', 'comments', 'reason', 'rationale', 'explanation', 'feedback'],
};

export const argilla: FeedbackImporter = {
  name: 'argilla',
  describes: "Argilla's records (to_json, to_datasets)",
  takes: ['columns', 'upFrom'],
  recognises: (value) => isNested(value) || isFlat(value),
  read(value, settings) {
    const record = argillaRecord(value);
    if (typeof record === 'string') return [record];
    if (record.responses.length === 0) return ['responses: none'];
    return record.responses.flatMap((response) => readResponse(response, record, settings));
  },
};

function readResponse(
  response: ArgillaResponse,
  record: ArgillaRecord,
  settings: ImportSettings,
): readonly (Imported | string)[] {
  const { question, user, status } = response;
  const refuse = (problem: string) => [`responses.${question}: ${problem}`];
  if (status !== null && status !== 'submitted') return refuse(`${status}, not submitted`);
  const promptField = nameOf('prompt', record.fields, settings);
  if (promptField === null)
    return ['fields: none is known as the prompt; say it with --columns prompt=FIELD'];
  const said = saidBy(response, record, promptField, settings);
  if (typeof said === 'string') return refuse(said);
  return said.map((one, at) => ({
    id: [record.id, question, user ?? '', at].join('\n'),
    request: { prompt: record.fields[promptField], ...one, ...(user === null ? {} : { person: user }) },
  }));
}

type Said = Readonly<Record<string, unknown>>;

function saidBy(
  { question, value }: ArgillaResponse,
  { fields, suggestions }: ArgillaRecord,
  promptField: string,
  settings: ImportSettings,
): readonly Said[] | string {
  const isField = (name: unknown) => typeof name === 'string' && name !== promptField && fields[name] != null;
  if (Array.isArray(value)) {
    const ranked = value as readonly string[];
    return ranked.length > 1 && ranked.every(isField)
      ? pairsOf(ranked, fields)
      : 'a list of other things than names of fields is no ranking';
  }
  if (isField(value)) {
    const others = Object.keys(fields).filter(
      (name) => isField(name) && name !== value && stemOf(name) === stemOf(String(value)),
    );
    const chosen = fields[String(value)];
    return others.length === 0
      ? `${JSON.stringify(value)}: there is no other field like it`
      : others.map((name) => ({ chosen, rejected: fields[name] }));
  }
  if (typeof value !== 'string' && typeof value !== 'number')
    return `${JSON.stringify(value)} is not known as feedback`;
  const answerField = nameOf('answer', fields, settings);
  const answer = answerField === null ? undefined : fields[answerField];
  if (typeof value === 'number') {
    if (answer === undefined) return NO_ANSWER;
    const thumb = thumbOf(value, settings);
    return typeof thumb === 'string' ? [{ answer, rating: thumb }] : thumb.problem;
  }
  if (plays('comment', question, settings))
    return [{ ...(answer === undefined ? {} : { answer }), comment: value }];
  if (!plays('edited', question, settings)) {
    return `what this text is, is not known; say it with --columns edited=${question} or comment=${question}`;
  }
  const before = suggestions[question] ?? answer;
  if (before === undefined) return NO_ANSWER;
  if (before === value) return 'it was left as it is';
  return [{ answer: before, edited: value }];
}

const NO_ANSWER = 'no field is known as the answer; say it with --columns answer=FIELD';

/** Every two of them, the better one first. */
function pairsOf(ranked: readonly string[], fields: ArgillaRecord['fields']): readonly Said[] {
  return ranked.flatMap((better, at) =>
    ranked.slice(at + 1).map((worse) => ({ chosen: fields[better], rejected: fields[worse] })),
  );
}

/** `response-1`, `response_b` and `response` are alike. */
function stemOf(name: string): string {
  return name.replace(/[-_ ]?(\d+|[a-z])$/i, '');
}

/** The field that plays a part; null where there is none. */
function nameOf(part: string, fields: ArgillaRecord['fields'], { columns }: ImportSettings): string | null {
  const names = columns?.[part] === undefined ? (ARGILLA_PARTS[part] ?? []) : [columns[part]];
  return names.find((name) => fields[name] != null) ?? null;
}

function plays(part: string, question: string, { columns }: ImportSettings): boolean {
  if (columns?.[part] !== undefined) return columns[part] === question;
  return ARGILLA_PARTS[part]?.includes(question) === true && !Object.values(columns ?? {}).includes(question);
}
