/** What `serve` answers with: the embedded engine with its models, or another server. */
import { basename, resolve } from 'node:path';
import type { ChatBackend } from '../../service/chat/backend.ts';
import type { Logger } from '../../service/http/log.ts';
import type { LearnerParts } from '../../service/learner/index.ts';
import type { LearnerSettings } from '../../service/learner/settings.ts';
import type { ServedMemory } from '../../service/memories/describe.ts';
import type { ModelRegistry } from '../../service/models/registry.ts';
import type { Store } from '../../service/store/open.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { secretOf } from '../secret.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';
import type { ServeFlags } from './flags.ts';

const MANY = 1e9;

/** What answers, the memories that it answers from, and what learns. */
export interface OpenedBackend {
  readonly backend: ChatBackend;
  readonly memories: readonly ServedMemory[];
  readonly learner: LearnerParts | null;
}

export interface BackendEnvironment {
  readonly store: Store;
  readonly logger: Logger;
  /** Null: nothing is learned. */
  readonly learning: LearnerSettings | null;
}

/** @throws {UserError} for a model or adapter that cannot be served, or a flag that is wrong */
export async function openBackend(
  flags: ServeFlags,
  environment: BackendEnvironment,
): Promise<OpenedBackend> {
  const batchSize = wholeNumber('--batch-size', flags.batchSize, 1, 1024);
  const queue = wholeNumber('--queue', flags.queue, 0, 1e6);
  if (flags.upstream !== undefined) {
    const { UpstreamBackend, parseUpstream } = await import('../../service/chat/upstream.ts');
    const key = (await secretOf('LIFEALIGN_UPSTREAM_API_KEY')) ?? null;
    const url = parseUpstream(flags.upstream);
    const backend = new UpstreamBackend({ url, key, concurrency: batchSize + queue });
    return { backend, memories: [], learner: null };
  }
  return openLocal(flags, { batchSize, queue }, environment);
}

async function openLocal(
  flags: ServeFlags,
  sizes: { batchSize: number; queue: number },
  { store, logger, learning }: BackendEnvironment,
): Promise<OpenedBackend> {
  const { LocalBackend } = await import('../../service/chat/local-backend.ts');
  const { defaultCacheMemory } = await import('../../service/models/cache-memory.ts');
  const { ModelRegistry } = await import('../../service/models/registry.ts');
  const { errorFields } = await import('../../service/http/log.ts');
  const { openBase } = await import('../base.ts');
  if (flags.specialTokens !== 'refuse' && flags.specialTokens !== 'allow') {
    throw new UserError(`--special-tokens: expected refuse or allow, got "${flags.specialTokens}"`);
  }
  const limits = {
    maxTokens: wholeNumber('--max-tokens', flags.maxTokens, 1, MANY),
    contextLength:
      flags.contextLength === undefined
        ? null
        : wholeNumber('--context-length', flags.contextLength, 2, MANY),
    cacheMemory:
      flags.cacheMemory === undefined
        ? defaultCacheMemory()
        : 2 ** 20 * wholeNumber('--cache-memory', flags.cacheMemory, 1, MANY),
    allowSpecialTokens: flags.specialTokens === 'allow',
  };
  const progress = streamProgress(process.stderr);
  const warn = (message: string) => logger.warn(message);
  const { followMemories, openMemories, servedMemory } = await import('./memories.ts');
  const ofLearner = await import('./learner.ts');
  const { checkLearnable, checkTasks, instanceName, learnerParts, learningMemory, openServing } = ofLearner;
  const memories = await openMemories(flags.memory.map(namedFolder));
  const learns = learning && learningMemory(memories, learning);
  if (learning && learns) await checkTasks(learns, learning);
  else await ofLearner.warnOfLearners(memories, { store, logger });
  const nameOrPath = flags.model ?? memories[0]?.base;
  if (nameOrPath === undefined) {
    throw new UserError('--model: missing; expected what answers (or --memory, or --upstream)');
  }
  // A memory names its base as configs do: a known name wins, a path is absolute.
  const prefer = flags.model === undefined ? 'name' : 'path';
  const base = await openBase(nameOrPath, { progress, warn, prefer, ...threadsOf(flags.threads) });
  try {
    if (learns) await checkLearnable(learns, base);
    const registry = new ModelRegistry();
    publish(registry, { name: modelName(nameOrPath), flag: '--model' }, null);
    for (const { name, folder } of flags.adapter.map(namedFolder)) {
      publish(registry, { name, flag: '--adapter' }, await base.readAdapter(folder));
    }
    for (const { name } of memories) checkFree(registry, { name, flag: '--memory' });
    const following = { base, registry, logger, learns: learns?.name ?? null };
    const onClose = await followMemories(memories, following);
    const instance = instanceName();
    const serving = learns && (await openServing({ store, memory: learns, registry, instance, logger }));
    const backend = new LocalBackend({
      base,
      registry,
      onClose,
      ...sizes,
      ...limits,
      onServed: (version, outcome) => serving?.count(version, outcome),
      onError: (error) => logger.error(errorFields(error), 'an answer failed while it was streamed'),
    });
    const learner =
      learning && learns && serving
        ? learnerParts({ settings: learning, memory: learns, serving, backend, base, registry, instance })
        : null;
    return { backend, memories: memories.map((memory) => servedMemory(memory, registry)), learner };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}

type Source = Parameters<ModelRegistry['publish']>[1];

interface NamedByFlag {
  readonly name: string;
  readonly flag: string;
}

/** @throws {UserError} for a name that another model has */
function checkFree(registry: ModelRegistry, { name, flag }: NamedByFlag): void {
  if (registry.resolve(name)) throw new UserError(`${flag}: there are two models of the name ${name}`);
}

function publish(registry: ModelRegistry, named: NamedByFlag, source: Source): void {
  checkFree(registry, named);
  registry.publish({ name: named.name, version: null }, source);
}

/** `support=runs/a/adapter`; a folder alone gives its own name. */
function namedFolder(text: string): { name: string; folder: string } {
  const at = text.indexOf('=');
  if (at < 0) return { name: modelName(text), folder: text };
  return { name: text.slice(0, at), folder: text.slice(at + 1) };
}

/** The last part of a path, or of a name on the hub, in characters a model's name may have. */
function modelName(nameOrPath: string): string {
  const last = basename(resolve(nameOrPath)).replace(/\.gguf$/i, '');
  return last.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';
}
