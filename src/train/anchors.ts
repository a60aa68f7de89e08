/**
 * What a method without stored rows is anchored to: before a task is trained, the base says what users might ask, the
 * policy as it then is answers, and during the task it is kept near to how probable those answers were. Prompts and
 * answers are drawn anew for every task, decided by seed and task alone; none is written anywhere.
 *
 * Prompts from the model itself: [Xu et al. 2024, "Magpie", arXiv:2406.08464]; rehearsal of what a network itself gives
 * out: [Robins 1995, doi:10.1080/09540099550039318].
 */
import type { AnchorSettings } from '../method/method.ts';
import { UserError } from '../support/errors.ts';
import { silentProgress } from '../support/progress.ts';
import type { StageName } from './config/schema.ts';
import { drawPairs } from './draw-pairs.ts';
import type { TextSide } from './environment.ts';
import type { StageRow } from './gradient-pass.ts';
import { scorePolicy } from './reference.ts';
import { currentTask, type Run, taskLabel } from './run.ts';

/** So many times more prompts are drawn than are kept. */
const SPARE = 2;

/** Made once for a task's stage, and again where a run goes on within it. */
export class Anchors {
  readonly settings: AnchorSettings;
  #made: { readonly task: number; readonly rows: readonly StageRow[] } | undefined;

  /**
   * Whether prompts can be drawn and answered is known before anything is trained.
   *
   * @param maxLength the most tokens of a prompt and its longer answer
   * @throws {UserError} where there is no room for them, or a template that writes no user's turn.
   */
  constructor(settings: AnchorSettings, text: TextSide, maxLength: number) {
    const { before, after } = text.userTurn();
    const longest = before.length + after.length + 2 * settings.maxNewTokens;
    if (longest > maxLength) {
      const needed = `a drawn prompt and its answer may have ${longest} tokens, and ${maxLength} are the most`;
      throw new UserError(`method_settings.max_new_tokens ${settings.maxNewTokens}: ${needed}`);
    }
    this.settings = settings;
  }

  /**
   * None in a run's first task, unless the run began with an adapter: there is nothing to keep. In later ones they are
   * for the SFT stage, which moves answers most, and has nothing to hold it; the preference stage, whose objective
   * mostly compares with a reference policy, has them where SFT is left out.
   */
  async rows(run: Run, stage: StageName): Promise<readonly StageRow[]> {
    const { state, config } = run;
    const anchored = config.stages.sft.epochs > 0 ? 'sft' : 'preference';
    if (stage !== anchored || (state.task === 0 && config.adapter === null)) return [];
    if (this.#made?.task !== state.task) {
      this.#made = { task: state.task, rows: await makeRows(run, this.settings) };
    }
    return this.#made.rows;
  }
}

async function makeRows(run: Run, settings: AnchorSettings): Promise<readonly StageRow[]> {
  const { state, environment } = run;
  const { engine, text, progress, signal } = environment;
  const task = currentTask(run).train.encoded.map(({ prompt }) => prompt);
  const prompts = leastAlike(await drawPrompts(run, settings), task, settings.rows);
  const options = { label: `${taskLabel(run)}, anchors`, progress, signal };
  const encoded = await drawPairs(prompts, state.taskStart, {
    engine,
    endTokens: text.endTokens,
    maxNewTokens: settings.maxNewTokens,
    seed: run.config.seed,
    keys: prompts.map((_, at) => `task ${state.task} anchor ${at}`),
    ...options,
  });
  const { chosen, rejected } = await scorePolicy(engine, encoded, state.taskStart, options);
  return encoded.map((row, at) => ({
    encoded: row,
    reference: null,
    taskStart: { chosen: chosen[at]!, rejected: rejected[at]! },
  }));
}

/**
 * So many of the prompts, those with the smallest share of their token trigrams anywhere in the task's own prompts: what
 * the task is about to change is not what should stay.
 */
export function leastAlike(
  prompts: readonly Int32Array[],
  others: readonly Int32Array[],
  count: number,
): readonly Int32Array[] {
  const known = new Set(others.flatMap(trigrams));
  const share = (prompt: Int32Array) => {
    const own = trigrams(prompt);
    return own.filter((trigram) => known.has(trigram)).length / Math.max(1, own.length);
  };
  return prompts
    .map((prompt) => ({ prompt, share: share(prompt) }))
    .sort((a, b) => a.share - b.share)
    .slice(0, count)
    .map(({ prompt }) => prompt);
}

function trigrams(tokens: Int32Array): string[] {
  return Array.from({ length: Math.max(0, tokens.length - 2) }, (_, at) =>
    tokens.slice(at, at + 3).join(' '),
  );
}

/** Users' turns that the base makes up, those that it ends before others. @throws {UserError} where all are empty. */
async function drawPrompts(run: Run, { rows, maxNewTokens }: AnchorSettings): Promise<readonly Int32Array[]> {
  const { state, environment, config } = run;
  const { engine, text, progress = silentProgress, signal } = environment;
  const { before, after } = text.userTurn();
  const bar = progress({
    label: `${taskLabel(run)}, prompts of the base`,
    total: SPARE * rows * maxNewTokens,
    unit: 'tokens',
  });
  try {
    const turns = await engine.generate([before], null, {
      maxNewTokens,
      stopTokens: [...text.endTokens, after[0]!],
      temperature: 1,
      samples: SPARE * rows,
      seed: config.seed,
      keys: [`task ${state.task} anchor prompts`],
      onProgress: (tokens) => bar.advance(tokens),
      ...(signal ? { signal } : {}),
    });
    const texts = turns.map(({ finishReason, tokens }) =>
      finishReason === 'stop' ? { ended: true, text: tokens.slice(0, -1) } : { ended: false, text: tokens },
    );
    const said = texts.filter(({ text: turn }) => turn.length > 0);
    if (said.length === 0) throw new UserError('the base draws no prompts: it ends every turn at once');
    // One that was cut off is a prompt too, where too few were ended.
    return said
      .toSorted((a, b) => Number(b.ended) - Number(a.ended))
      .slice(0, Math.max(rows, said.filter(({ ended }) => ended).length))
      .map(({ text: turn }) => Int32Array.of(...before, ...turn, ...after));
  } finally {
    bar.stop();
  }
}
