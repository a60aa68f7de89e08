/** Equal steps of the engine under the runtime's profiler: a model and rows in, where time and memory went out. */
import { readPreferenceRows } from '../data/read-rows.ts';
import { readProfileFiles } from '../engine/ort/profile/files.ts';
import { summariseProfile } from '../engine/ort/profile/summary.ts';
import type { Adapter } from '../model/adapter.ts';
import { initialiseAdapter } from '../model/lora-modules.ts';
import { softTokenCount } from '../model/prompt-pool.ts';
import { createObjective } from '../objective/index.ts';
import { DataError } from '../support/errors.ts';
import { streamProgress } from '../support/progress.ts';
import { Random } from '../support/random.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import { encodeRows } from '../text/segments.ts';
import { textRoom } from '../train/task-rows.ts';
import { type Base, openBase } from './base.ts';
import type { ProfiledStep } from './profile-table.ts';

export interface ProfileRequest {
  /** As `openModel` takes it. */
  readonly model: string;
  readonly data: string;
  /** A folder; left out: a fresh LoRA adapter. */
  readonly adapter?: string;
  /** Log-probs instead of a gradient. */
  readonly score: boolean;
  readonly objective: string;
  /** The first valid rows, at most. */
  readonly rows: number;
  /** Measured ones, after one to warm up. */
  readonly steps: number;
  readonly longest: number;
  readonly invalidRows: 'error' | 'skip';
  readonly threads?: number;
}

/**
 * @param folder an empty one, where the runtime's traces go
 * @throws {UserError} for a model, adapter, file or objective that cannot be used
 */
export async function profileStep(
  request: ProfileRequest,
  folder: string,
  signal: AbortSignal,
): Promise<ProfiledStep> {
  const objective = createObjective({ name: request.objective }, '--objective');
  const progress = streamProgress(process.stderr);
  const warn = (message: string) => void process.stderr.write(`warning: ${message}\n`);
  const threads = request.threads === undefined ? {} : { threads: request.threads };
  const base = await openBase(request.model, { progress, warn, profileFolder: folder, ...threads });
  const { engine } = base;
  const durations: number[] = [];
  let tokens = 0;
  let rows: readonly EncodedRow[];
  try {
    const adapter = await adapterOf(request, base);
    rows = await encodedRows(request, base, adapter);
    const reference = request.score ? null : await engine.score(rows, null, { signal });
    const constants = Object.fromEntries(
      objective.constants.map((name) => {
        const known = { reference_chosen: reference?.chosen, reference_rejected: reference?.rejected };
        return [name, known[name as keyof typeof known] ?? new Float64Array(rows.length)];
      }),
    );
    const bar = progress({ label: 'profiling', total: request.steps + 1, unit: 'steps' });
    try {
      for (let step = 0; step <= request.steps; step++) {
        tokens = 0;
        const options = { onProgress: (count: number) => (tokens += count), signal };
        const start = performance.now();
        if (request.score) await engine.score(rows, adapter, options);
        else await engine.gradients({ rows, adapter, objective, constants }, options);
        if (step > 0) durations.push((performance.now() - start) / 1000);
        bar.advance(1);
      }
    } finally {
      bar.stop();
    }
  } finally {
    // Writes the traces.
    await engine.close();
  }
  const steps = request.steps + 1;
  const purpose = request.score ? 'score' : 'gradients';
  return {
    what: request.score
      ? `log-probs of ${rows.length} pairs`
      : `${objective.name}: gradient of ${rows.length} pairs`,
    tokens,
    threads: request.threads === undefined ? 'all threads' : `threads: ${request.threads}`,
    steps: request.steps,
    seconds: durations.reduce((sum, one) => sum + one, 0) / durations.length,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    profile: summariseProfile(await readProfileFiles(folder), { purpose, steps, warmups: 1 }),
  };
}

async function adapterOf({ adapter }: ProfileRequest, base: Base): Promise<Adapter> {
  if (adapter !== undefined) return base.readAdapter(adapter);
  const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
  return initialiseAdapter(settings, base.modules, Random.fromSeed(0));
}

async function encodedRows(
  { data: file, rows: limit, longest, invalidRows }: ProfileRequest,
  { model, text }: Base,
  adapter: Adapter,
): Promise<readonly EncodedRow[]> {
  const { rows } = await readPreferenceRows(file, { invalidRows });
  const maxLength = textRoom(longest, model.config, softTokenCount(adapter));
  const { encoded } = encodeRows(rows, text, { file, maxLength, invalidRows, limit });
  if (encoded.length === 0) throw new DataError({ file }, 'no rows are left that can be profiled');
  return encoded;
}
