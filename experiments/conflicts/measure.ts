/**
 * How many made contradictions are found, and how many pairs that are none are taken for one: precision and recall
 * of `findConflicts` on real rows of hh-rlhf, as they are and as this script changes them.
 *
 *     npx tsx experiments/conflicts/measure.ts [folder of the benchmark]
 *
 * Accepted are the harmless and helpful training rows. New rows are made of some of them: copies, light edits or
 * paraphrases, with labels exchanged (contradictions) or as they were (none), and rows that only share the prompt;
 * test rows come unchanged. Thresholds are chosen on one half of the accepted rows and of the new ones, the figures
 * are of the other half.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import type { PreferenceRow } from '../../src/data/row.ts';
import { EMBEDDING_THRESHOLDS, embeddedContradictions } from '../../src/learn/conflicts/by-embeddings.ts';
import { type Thresholds, textsOf } from '../../src/learn/conflicts/contradiction.ts';
import { type Found, LEXICAL_THRESHOLDS, lexicalContradictions } from '../../src/learn/conflicts/lexical.ts';
import { openModel } from '../../src/model/resolve.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import { streamProgress } from '../../src/support/progress.ts';
import { Random } from '../../src/support/random.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { lightlyEdited, paraphrased, retold } from './edits.ts';

const here = dirname(fileURLToPath(import.meta.url));
const source = process.argv[2] ?? join(here, '..', '..', 'shared', 'data', 'lifealign-bench');
const RESULT = join(here, 'results', 'measure.md');
const BASE = 'smollm2-135m-instruct';

/** Rows of each kind in each half. */
const MADE = 120;
const LEAST_PRECISION = 0.99;
const RECALL_MARGIN = 0.01;
const STEPS = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

type Kind = (typeof KINDS)[number]['name'];
type Edit = (text: string, random: Random) => string;

const as: Edit = (text) => text;
const reworded: Edit = (text, random) => lightlyEdited(paraphrased(text, random), random);

/** What new rows are made, whether they contradict, and how prompt and responses are changed. */
const KINDS = [
  { name: 'copy, exchanged', contradicts: true, prompt: as, response: as },
  { name: 'light edits, exchanged', contradicts: true, prompt: lightlyEdited, response: lightlyEdited },
  { name: 'paraphrased prompt, exchanged', contradicts: true, prompt: reworded, response: as },
  { name: 'paraphrase, exchanged', contradicts: true, prompt: reworded, response: reworded },
  { name: 'retold, exchanged', contradicts: true, prompt: retold, response: retold },
  { name: 'copy', contradicts: false, prompt: as, response: as },
  { name: 'light edits', contradicts: false, prompt: lightlyEdited, response: lightlyEdited },
  { name: 'paraphrase', contradicts: false, prompt: reworded, response: reworded },
  { name: 'retold', contradicts: false, prompt: retold, response: retold },
  { name: 'one response exchanged', contradicts: false, prompt: as, response: as },
  { name: 'prompt alone', contradicts: false, prompt: as, response: as },
  { name: 'other rows', contradicts: false, prompt: as, response: as },
] as const satisfies readonly { name: string; contradicts: boolean; prompt: Edit; response: Edit }[];

interface NewRow {
  readonly kind: Kind;
  readonly row: PreferenceRow;
  /** Whether it contradicts the row it was made of. */
  readonly isMade: boolean;
  /** The accepted row it was made of; null for one that was not made. */
  readonly origin: number | null;
}

interface Half {
  readonly accepted: readonly PreferenceRow[];
  readonly rows: readonly NewRow[];
}

async function rowsOf(name: string, file: string): Promise<readonly PreferenceRow[]> {
  const path = join(source, name, file);
  return (await readPreferenceRows(path, { invalidRows: 'skip' })).rows;
}

function changed(row: PreferenceRow, kind: (typeof KINDS)[number], random: Random): PreferenceRow {
  const prompt = row.prompt.map(({ role, content }) => ({ role, content: kind.prompt(content, random) }));
  const [chosen, rejected] = [row.chosen, row.rejected].map((text) => kind.response(text, random));
  return kind.contradicts
    ? { index: 0, prompt, chosen: rejected!, rejected: chosen! }
    : { index: 0, prompt, chosen: chosen!, rejected: rejected! };
}

function makeHalf(
  accepted: readonly PreferenceRow[],
  others: readonly PreferenceRow[],
  random: Random,
): Half {
  const rows: NewRow[] = [];
  for (const [at, kind] of KINDS.entries()) {
    for (let number = 0; number < MADE; number++) {
      const origin = at * MADE + number;
      const row = accepted[origin]!;
      const { chosen, rejected } = accepted[accepted.length - 1 - origin]!;
      const add = (made: PreferenceRow, from: number | null) =>
        rows.push({
          kind: kind.name,
          isMade: kind.contradicts,
          origin: from,
          row: { ...made, index: rows.length },
        });
      if (kind.name === 'other rows') add(others[number]!, null);
      else if (kind.name === 'prompt alone') add({ ...row, chosen, rejected }, null);
      else if (kind.name === 'one response exchanged') add({ ...row, chosen: row.rejected, rejected }, null);
      else add(changed(row, kind, random.fork(`${kind.name} ${number}`)), origin);
    }
  }
  return { accepted: accepted.map((row, index) => ({ ...row, index })), rows };
}

/** A row is found if it is said to contradict the row it was made of; any other contradiction named is wrong. */
interface Figures {
  readonly precision: number;
  readonly recall: number;
  /** Of each kind, the share of rows that were said to contradict some row. */
  readonly told: ReadonlyMap<Kind, number>;
  readonly wrong: readonly Pair[];
}

type Pair = Pick<Found, 'asked' | 'earlier'>;

function figuresOf({ accepted, rows }: Half, found: readonly Pair[]): Figures {
  // A pair that is found both ways counts once.
  const pairs = [
    ...new Map(found.map((pair) => [pair.asked * accepted.length + pair.earlier, pair])).values(),
  ];
  const right = pairs.filter(({ asked, earlier }) => rows[asked]!.isMade && rows[asked]!.origin === earlier);
  const foundRows = new Set(right.map(({ asked }) => asked));
  const told = new Set(pairs.map(({ asked }) => asked));
  const shares = KINDS.map(({ name }) => {
    const own = rows.flatMap(({ kind }, at) => (kind === name ? [at] : []));
    return [name, own.filter((at) => told.has(at)).length / own.length] as const;
  });
  return {
    precision: pairs.length === 0 ? 1 : right.length / pairs.length,
    recall: foundRows.size / rows.filter(({ isMade }) => isMade).length,
    told: new Map(shares),
    wrong: pairs.filter(({ asked, earlier }) => !rows[asked]!.isMade || rows[asked]!.origin !== earlier),
  };
}

const within = (found: readonly Found[], { prompt, response }: Thresholds) =>
  found.filter((one) => one.prompt >= prompt && one.response >= response);

/**
 * Of thresholds whose findings have a precision of at least 99 % and a recall within a point of the best such, the
 * strictest, by their sum: other data have more that is alike than these conversations.
 */
function choose(half: Half, found: readonly Found[]): Thresholds {
  const tried = STEPS.flatMap((prompt) => STEPS.map((response) => ({ prompt, response }))).flatMap(
    (thresholds) => {
      const own = within(found, thresholds);
      // There are no more than so many to be found.
      if (own.length > 2 * half.rows.length) return [];
      const { precision, recall } = figuresOf(half, own);
      return precision < LEAST_PRECISION ? [] : [{ thresholds, recall }];
    },
  );
  const best = Math.max(...tried.map(({ recall }) => recall));
  const strictness = ({ thresholds }: (typeof tried)[number]) => thresholds.prompt + thresholds.response;
  const good = tried.filter(({ recall }) => recall >= best - RECALL_MARGIN);
  const [strictest] = good.sort((one, other) => strictness(other) - strictness(one));
  if (strictest === undefined) throw new Error('no thresholds reach the precision asked for');
  return strictest.thresholds;
}

const textsOfHalf = ({ accepted, rows }: Half) =>
  [rows.map(({ row }) => textsOf(row)), accepted.map((row) => textsOf(row))] as const;

const percent = (share: number) => (100 * share).toFixed(1);
const say = (thresholds: Thresholds) => `prompt ${thresholds.prompt}, responses ${thresholds.response}`;

const accepted = [
  ...(await rowsOf('hh-rlhf-harmless-base', 'train.json')),
  ...(await rowsOf('hh-rlhf-helpful-base', 'train.json')),
];
const others = [
  ...(await rowsOf('hh-rlhf-harmless-base', 'test.json')),
  ...(await rowsOf('hh-rlhf-helpful-base', 'test.json')),
];
const random = Random.fromSeed(0);
const shuffled = random.fork('accepted').shuffle(accepted);
const test = random.fork('others').shuffle(others);
const cut = Math.floor(shuffled.length / 2);
const choosing = makeHalf(shuffled.slice(0, cut), test.slice(0, MADE), random.fork('choosing'));
const reporting = makeHalf(shuffled.slice(cut), test.slice(MADE), random.fork('reporting'));

const model = await openModel(BASE);
const { tokenizer } = await loadTextModel(model.path);
const embeddings = { tokenizer, embeddings: TokenEmbeddings.of(model) };

const floor = { prompt: STEPS[0]!, response: STEPS[0]! };
/** Cosines of unlike texts lie higher. */
const cosineFloor = { prompt: 0.5, response: 0.5 };
const progress = streamProgress(process.stderr);
const byLetters = lexicalContradictions(...textsOfHalf(choosing), floor);
const lexical = choose(choosing, byLetters);
process.stderr.write(`lexical: ${byLetters.length} at the floor, ${say(lexical)}\n`);
const byWords = embeddedContradictions(...textsOfHalf(choosing), cosineFloor, embeddings, progress);
const embedding = choose(choosing, byWords);
process.stdout.write(`chosen: lexical ${say(lexical)}; embeddings ${say(embedding)}\n`);

const ways = {
  'by letters': lexicalContradictions(...textsOfHalf(reporting), LEXICAL_THRESHOLDS),
  'by embeddings': embeddedContradictions(...textsOfHalf(reporting), EMBEDDING_THRESHOLDS, embeddings),
};
const columns = { ...ways, both: Object.values(ways).flat() };
const figures = Object.entries(columns).map(([name, found]) => ({ name, ...figuresOf(reporting, found) }));
const line = (first: string, cells: readonly string[]) => `| ${[first, ...cells].join(' | ')} |`;
const table = [
  line(
    '',
    figures.map(({ name }) => name),
  ),
  line(
    '---',
    figures.map(() => '---:'),
  ),
  line(
    'precision, %',
    figures.map(({ precision }) => percent(precision)),
  ),
  line(
    'recall, %',
    figures.map(({ recall }) => percent(recall)),
  ),
  ...KINDS.map(({ name, contradicts }) =>
    line(
      `${name} (${contradicts ? 'all' : 'none'} should be)`,
      figures.map(({ told }) => percent(told.get(name)!)),
    ),
  ),
];
const isCurrent =
  JSON.stringify([lexical, embedding]) === JSON.stringify([LEXICAL_THRESHOLDS, EMBEDDING_THRESHOLDS]);
const text = `# Contradictions found and wrongly told

\`npx tsx experiments/conflicts/measure.ts\`: hh-rlhf harmless and helpful, ${cut} accepted rows in the half that
thresholds were chosen on and ${shuffled.length - cut} in the half reported here; ${MADE} new rows of each kind in
either. Embeddings of ${BASE}. The strictest thresholds within a point of
the best recall that a precision of ${percent(LEAST_PRECISION)} % allows on the first half: letters ${say(lexical)}; embeddings ${say(embedding)}${isCurrent ? '' : ' (NOT those in the source)'}.

Rows said to contradict an accepted one, % of each kind; precision and recall are of pairs with the row they were made
of.

${table.join('\n')}
`;
await mkdir(dirname(RESULT), { recursive: true });
await writeFileAtomic(RESULT, text);
process.stdout.write(text);
for (const { asked, earlier } of columns.both
  .filter((pair) => figures[2]!.wrong.includes(pair))
  .slice(0, 20)) {
  const { kind, row } = reporting.rows[asked]!;
  process.stdout.write(`${JSON.stringify({ kind, row, accepted: reporting.accepted[earlier] }, null, 1)}\n`);
}
