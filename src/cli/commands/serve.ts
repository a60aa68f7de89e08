/** `lifealign serve`: the service, from its flags to its end by Ctrl-C or SIGTERM. */
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ChatBackend } from '../../service/chat/backend.ts';
import type { Logger, LogLevel } from '../../service/http/log.ts';
import type { ModelRegistry } from '../../service/models/registry.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { interruptible } from '../interrupt.ts';
import { addStoreFlag, openServiceStore } from '../service-store.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';

interface ServeFlags {
  readonly model?: string;
  readonly adapter: readonly string[];
  readonly upstream?: string;
  readonly host: string;
  readonly port: string;
  readonly store: string;
  readonly allowedHost: readonly string[];
  readonly allowedOrigin: readonly string[];
  readonly batchSize: string;
  readonly queue: string;
  readonly maxTokens: string;
  readonly contextLength?: string;
  readonly cacheMemory?: string;
  readonly specialTokens: string;
  readonly threads?: string;
  readonly rateLimit: string;
  readonly bodyLimit: string;
  readonly answerTimeout: string;
  readonly receiveTimeout: string;
  readonly shutdownTimeout: string;
  readonly keepAnswers: string;
  readonly keepFeedback: string;
  readonly feedbackPerPerson: string;
  readonly feedbackPerSource: string;
  readonly redact?: string;
  readonly logLevel: string;
}

export function registerServe(program: Command): void {
  const append = (value: string, before: readonly string[]) => [...before, value];
  const command = program
    .command('serve')
    .description('an OpenAI-compatible service: answers, feedback on them, and its review')
    .option('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <name=folder>', 'a model of that name: an adapter on top; may be repeated', append, [])
    .option(
      '--upstream <url>',
      'instead of --model: another OpenAI-compatible server, such as http://localhost:8000/v1',
    )
    .option('--host <address>', 'where to listen; beyond this machine only with keys', '127.0.0.1')
    .option('--port <port>', '0: any that is free', '8080')
    .option('--allowed-host <name>', 'a further host name that it is reached by; may be repeated', append, [])
    .option('--allowed-origin <origin>', 'a page that may call from a browser; may be repeated', append, [])
    .option('--batch-size <count>', 'answers made at a time', '16')
    .option('--queue <count>', 'requests that may wait; more are answered 429', '64')
    .option('--max-tokens <count>', 'the most tokens of an answer', '2048')
    .option('--context-length <count>', "tokens of prompt and answer (default: the model's positions)")
    .option(
      '--cache-memory <megabytes>',
      'for keys and values of running answers (default: a quarter of the memory)',
    )
    .option(
      '--special-tokens <policy>',
      'in messages: refuse or allow; with one a text can pose as a turn',
      'refuse',
    )
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .option(
      '--rate-limit <count>',
      'requests a minute and key (or address, without keys); 0: any number',
      '600',
    )
    .option('--body-limit <kilobytes>', 'of a request', '1024')
    .option('--answer-timeout <seconds>', 'for an answer', '300')
    .option('--receive-timeout <seconds>', 'for a request to arrive', '30')
    .option('--shutdown-timeout <seconds>', 'for what is at work when the service ends', '30')
    .option('--keep-answers <days>', 'for feedback that names them; 0: none is kept', '30')
    .option('--keep-feedback <days>', '0: for ever', '0')
    .option('--feedback-per-person <count>', 'a day; 0: any number', '200')
    .option('--feedback-per-source <count>', 'a day and key; 0: any number', '0')
    .option(
      '--redact <module>',
      'a module whose default export takes personal data out of a text before it is stored',
    )
    .option('--log-level <level>', 'debug, info, warn, error or silent', 'info');
  addStoreFlag(command).action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const { LOG_LEVELS, createLogger } = await import('../../service/http/log.ts');
  const level = LOG_LEVELS.find((known) => known === flags.logLevel);
  if (level === undefined) {
    throw new UserError(`--log-level ${flags.logLevel}: expected ${LOG_LEVELS.join(', ')}`);
  }
  const settings = settingsOf(flags);
  const { startService } = await import('../../service/service.ts');
  const { keepAll, loadRedact } = await import('../../service/feedback/redact.ts');
  const redact = flags.redact === undefined ? keepAll : await loadRedact(flags.redact);
  const logger = createLogger(level satisfies LogLevel);
  const store = await openServiceStore(flags.store);
  let backend: ChatBackend | null = null;
  try {
    backend = await openBackend(flags, logger);
    const service = await startService({ backend, store, logger, redact, ...settings });
    process.stdout.write(`listening on ${service.url}\n`);
    const notice = 'ending; what is at work is finished first (again: at once)';
    await interruptible({ reason: 'ended', notice }, (signal) => ended(signal));
    await service.stop(settings.shutdownTimeout);
  } catch (error) {
    await backend?.close();
    await store.close();
    throw error;
  }
}

/** Resolves: to be told to end is how a service ends. */
function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

const MANY = 1e9;
const DAYS = 36_500;
const SECONDS = 86_400;

function settingsOf(flags: ServeFlags) {
  const number = (flag: string, text: string, least: number, most = MANY) =>
    wholeNumber(flag, text, least, most);
  const milliseconds = (flag: string, text: string) => 1000 * number(flag, text, 1, SECONDS);
  return {
    host: flags.host,
    port: number('--port', flags.port, 0, 65_535),
    allowedHosts: flags.allowedHost,
    allowedOrigins: flags.allowedOrigin.map(checkOrigin),
    rateLimit: number('--rate-limit', flags.rateLimit, 0),
    bodyLimit: 1024 * number('--body-limit', flags.bodyLimit, 1, 1024 * 1024),
    answerTimeout: milliseconds('--answer-timeout', flags.answerTimeout),
    receiveTimeout: milliseconds('--receive-timeout', flags.receiveTimeout),
    shutdownTimeout: milliseconds('--shutdown-timeout', flags.shutdownTimeout),
    feedback: {
      keptDays: number('--keep-answers', flags.keepAnswers, 0, DAYS),
      feedbackDays: number('--keep-feedback', flags.keepFeedback, 0, DAYS),
      perPerson: number('--feedback-per-person', flags.feedbackPerPerson, 0),
      perSource: number('--feedback-per-source', flags.feedbackPerSource, 0),
    },
  };
}

/** @throws {UserError} for anything but scheme, host and port, as browsers send it */
function checkOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin && origin !== 'null') return origin;
  throw new UserError(`--allowed-origin ${origin}: expected an origin such as https://chat.example.com`);
}

async function openBackend(flags: ServeFlags, logger: Logger): Promise<ChatBackend> {
  const batchSize = wholeNumber('--batch-size', flags.batchSize, 1, 1024);
  const queue = wholeNumber('--queue', flags.queue, 0, 1e6);
  if (flags.upstream !== undefined) {
    if (flags.model !== undefined || flags.adapter.length > 0) {
      throw new UserError('--upstream: another server answers; leave out --model and --adapter');
    }
    const { UpstreamBackend, parseUpstream } = await import('../../service/chat/upstream.ts');
    const key = process.env['LIFEALIGN_UPSTREAM_API_KEY']?.trim() || null;
    return new UpstreamBackend({ url: parseUpstream(flags.upstream), key, concurrency: batchSize + queue });
  }
  if (flags.model === undefined)
    throw new UserError('--model: missing; expected what answers (or --upstream)');
  return openLocal(flags.model, flags, { batchSize, queue }, logger);
}

async function openLocal(
  nameOrPath: string,
  flags: ServeFlags,
  sizes: { batchSize: number; queue: number },
  logger: Logger,
): Promise<ChatBackend> {
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
  const base = await openBase(nameOrPath, { progress, warn, ...threadsOf(flags.threads) });
  try {
    const registry = new ModelRegistry();
    publish(registry, { name: modelName(nameOrPath), flag: '--model' }, null);
    for (const { name, folder } of flags.adapter.map(namedFolder)) {
      publish(registry, { name, flag: '--adapter' }, await base.readAdapter(folder));
    }
    return new LocalBackend({
      base,
      registry,
      ...sizes,
      ...limits,
      onError: (error) => logger.error(errorFields(error), 'an answer failed while it was streamed'),
    });
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}

type Source = Parameters<ModelRegistry['publish']>[1];

/** @throws {UserError} for a name that another model has */
function publish(
  registry: ModelRegistry,
  { name, flag }: { name: string; flag: string },
  source: Source,
): void {
  if (registry.resolve(name)) throw new UserError(`${flag}: there are two models of the name ${name}`);
  registry.publish({ name, version: null }, source);
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
