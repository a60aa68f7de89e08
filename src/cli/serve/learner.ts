/** The learner's parts as `serve` puts them together: its memory, what is served of it, and the command that learns. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { learnSettings } from '../../learn/config.ts';
import { rowsNeeded } from '../../learn/split.ts';
import { checkPrecision } from '../../memory/store/precision.ts';
import type { LocalBackend } from '../../service/chat/local-backend.ts';
import type { Logger } from '../../service/http/log.ts';
import { backendAnswering } from '../../service/learner/answering.ts';
import type { LearnerParts } from '../../service/learner/index.ts';
import { learnStarter } from '../../service/learner/learn-process.ts';
import { implicitReward } from '../../service/learner/reward.ts';
import { Serving, type ServingOptions } from '../../service/learner/serving.ts';
import { type LearnerSettings, leastRows } from '../../service/learner/settings.ts';
import type { ModelRegistry } from '../../service/models/registry.ts';
import { databaseNow } from '../../service/store/clock.ts';
import type { Store } from '../../service/store/open.ts';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import type { Base } from '../base.ts';
import type { NamedMemory } from './memories.ts';

/** @throws {UserError} for a name that no memory has, or none where there are several */
export function learningMemory(
  memories: readonly NamedMemory[],
  { memory }: Pick<LearnerSettings, 'memory'>,
): NamedMemory {
  const names = memories.map(({ name }) => name);
  const found = memories.find(({ name }) => name === (memory ?? (names.length === 1 ? names[0] : null)));
  if (found) return found;
  const problem =
    memory === null
      ? `there are several memories (${names.join(', ')}); expected "memory", the name of the one that learns`
      : `memory: there is no --memory ${memory}; there are ${names.join(', ')}.${didYouMean(memory, names)}`;
  throw new UserError(`--learner: ${problem}`);
}

/**
 * What would have every task fail is said before there is one.
 * @throws {UserError} for settings of `learn` that are none, or tasks that would be too small for the memory's split
 */
export async function checkTasks({ store }: NamedMemory, settings: LearnerSettings): Promise<void> {
  const config = await store.config();
  const origin = { file: store.layout.config, folder: store.folder };
  const { split } = await learnSettings(config.learn, config, settings.set, origin);
  const [least, needed] = [leastRows(settings), rowsNeeded(split)];
  if (least >= needed) return;
  const advice = `learn from ${needed} or more, or lower learn.split of the memory's config`;
  throw new UserError(`--learner: a task of ${least} rows is too small for the memory's split; ${advice}`);
}

/**
 * Tasks are learned by the command's own engine, which is the one that answers.
 * @throws {UserError} for a memory whose tasks were learned over a base in another precision
 */
export async function checkLearnable(
  { store }: NamedMemory,
  { engine }: Pick<Base, 'engine'>,
): Promise<void> {
  try {
    await checkPrecision(store, (await store.head()).commit, engine.precision);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`--learner: ${error.message}; serve learns with the engine ort`, { cause: error });
  }
}

/** An instance without the learner's flags serves heads, where others serve what the learner decides. */
export async function warnOfLearners(
  memories: readonly NamedMemory[],
  { store, logger }: { readonly store: Store; readonly logger: Logger },
): Promise<void> {
  const rows = await store.db
    .selectFrom('learner')
    .select('memory')
    .where('until', '>', databaseNow(store))
    .execute();
  for (const { memory } of rows) {
    if (!memories.some(({ name }) => name === memory)) continue;
    const problem = 'another instance learns, and decides what is served of it; give this one the same flags';
    logger.warn({ model: memory }, problem);
  }
}

/** Other instances, and this one at another time, are others. */
export function instanceName(): string {
  return `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`;
}

/** @throws {UserError} as `Serving.open` */
export function openServing(options: ServingOptions): Promise<Serving> {
  return Serving.open(options);
}

export interface LearnerPartsOptions
  extends Pick<LearnerParts, 'settings' | 'memory' | 'serving' | 'instance'> {
  readonly backend: LocalBackend;
  readonly base: Base;
  readonly registry: ModelRegistry;
}

export function learnerParts({ backend, base, registry, ...parts }: LearnerPartsOptions): LearnerParts {
  return {
    ...parts,
    answering: backendAnswering(backend, implicitReward(base, registry)),
    // The command that this process itself was started by.
    startLearn: learnStarter([process.execPath, ...process.execArgv, process.argv[1] as string]),
  };
}
