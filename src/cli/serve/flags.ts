/** The flags of `serve`, and what the service itself is told by them. */
import type { Command } from 'commander';
import type { LearnerSettings } from '../../service/learner/settings.ts';
import { UserError } from '../../support/errors.ts';
import { append } from '../repeatable.ts';
import { addStoreFlag } from '../service-store.ts';
import { wholeNumber } from '../whole-number.ts';

export interface ServeFlags {
  readonly model?: string;
  readonly adapter: readonly string[];
  readonly memory: readonly string[];
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
  readonly uploadLimit: string;
  readonly answerTimeout: string;
  readonly receiveTimeout: string;
  readonly shutdownTimeout: string;
  readonly keepAnswers: string;
  readonly keepFeedback: string;
  readonly feedbackPerPerson: string;
  readonly feedbackPerSource: string;
  readonly learnFrom?: string;
  readonly learner?: string;
  readonly redact?: string;
  readonly logLevel: string;
}

/** What another server decides by itself. */
const ENGINE_FLAGS = [
  ...['model', 'adapter', 'memory', 'maxTokens', 'contextLength', 'cacheMemory', 'specialTokens', 'threads'],
  ...['learnFrom', 'learner'],
];

export function addServeFlags(command: Command): Command {
  return addStoreFlag(command)
    .option('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <name=folder>', 'a model of that name: an adapter on top; may be repeated', append, [])
    .option(
      '--memory <name=folder>',
      "a memory's versions, name@v1 and so on, its head as the name; followed as it learns; may be repeated",
      append,
      [],
    )
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
    .option('--upload-limit <megabytes>', 'of a data file that is checked', '64')
    .option('--answer-timeout <seconds>', 'for an answer', '300')
    .option('--receive-timeout <seconds>', 'for a request to arrive', '30')
    .option('--shutdown-timeout <seconds>', 'for what is at work when the service ends', '30')
    .option('--keep-answers <days>', 'for feedback that names them; 0: none is kept', '30')
    .option('--keep-feedback <days>', '0: for ever', '0')
    .option('--feedback-per-person <count>', 'a day; 0: any number', '200')
    .option('--feedback-per-source <count>', 'a day and key; 0: any number', '100000')
    .option(
      '--learn-from <count>',
      'learn from accepted feedback once it makes so many rows, into the memory that is served',
    )
    .option('--learner <file>', 'YAML: when and how it is learned, and how a new version comes to be served')
    .option(
      '--redact <module>',
      'a module whose default export takes personal data out of a text before it is stored',
    )
    .option('--log-level <level>', 'debug, info, warn, error or silent', 'info');
}

/** @throws {UserError} for a setting that would reach nothing */
export function checkServeFlags({ upstream }: ServeFlags, command: Command): void {
  if (upstream === undefined) return;
  const given = ENGINE_FLAGS.find((name) => command.getOptionValueSource(name) === 'cli');
  if (given === undefined) return;
  const flag = command.options.find((option) => option.attributeName() === given)?.long ?? given;
  throw new UserError(`${flag}: another server answers, with --upstream; leave it out`);
}

/** More of anything than anyone has use for. */
const MANY = 1e9;
const DAYS = 36_500;
const SECONDS = 86_400;

/**
 * Null where nothing is to be learned.
 * @throws {UserError} for a flag or a file that is wrong, or without a memory
 */
export async function learnerSettings({
  learnFrom,
  learner: file,
  memory,
}: Pick<ServeFlags, 'learnFrom' | 'learner' | 'memory'>): Promise<LearnerSettings | null> {
  if (learnFrom === undefined && file === undefined) return null;
  const flag = learnFrom === undefined ? '--learner' : '--learn-from';
  if (memory.length === 0) throw new UserError(`${flag}: there is no --memory to learn into`);
  const { readLearnerSettings } = await import('../../service/learner/settings.ts');
  const from = learnFrom === undefined ? undefined : wholeNumber('--learn-from', learnFrom, 1, MANY);
  return readLearnerSettings({ file, from });
}

/** @throws {UserError} naming the flag and what was expected */
export function serviceSettings(flags: ServeFlags) {
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
    uploadLimit: 2 ** 20 * number('--upload-limit', flags.uploadLimit, 1, 16 * 1024),
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
