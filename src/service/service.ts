/**
 * The service, put together: what answers, the database with keys, feedback and the audit log, and the HTTP layer in
 * front. It refuses to listen beyond this machine before there is a key.
 */

import { setMaxListeners } from 'node:events';
import { UserError } from '../support/errors.ts';
import { ApiError } from './api-error.ts';
import type { ChatBackend } from './chat/backend.ts';
import { chatRoutes } from './chat/routes.ts';
import { dataRoutes } from './data/routes.ts';
import { CompletionLog } from './feedback/completion-log.ts';
import { type FeedbackPolicy, FeedbackStore } from './feedback/feedback-store.ts';
import type { Redact } from './feedback/redact.ts';
import { startRetention } from './feedback/retention.ts';
import { feedbackRoutes } from './feedback/routes.ts';
import { createApp } from './http/app.ts';
import { errorFields, type Logger } from './http/log.ts';
import { Metrics } from './http/metrics.ts';
import { isLoopback, originRules } from './http/origin.ts';
import { RateLimiter } from './http/rate-limit.ts';
import { listen } from './http/server.ts';
import { systemRoutes } from './http/system-routes.ts';
import { audit } from './keys/audit.ts';
import { Authenticator } from './keys/authenticator.ts';
import { KeyStore } from './keys/key-store.ts';
import { callerRoutes } from './keys/routes.ts';
import { type LearnerParts, learnerService } from './learner/index.ts';
import type { MeasureDrop } from './memories/change.ts';
import type { ServedMemory } from './memories/describe.ts';
import { memoryRoutes } from './memories/routes.ts';
import type { Store } from './store/open.ts';
import { studioRoutes } from './studio/routes.ts';

export interface ServiceOptions {
  readonly backend: ChatBackend;
  readonly store: Store;
  /** Those that the backend answers from. */
  readonly memories?: readonly ServedMemory[];
  /** Left out: the effect of dropping a task is not measured. */
  readonly measureDrop?: MeasureDrop;
  /** The studio's files, where they are elsewhere. */
  readonly studio?: string;
  readonly logger: Logger;
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** Requests a minute and client; 0: any number. */
  readonly rateLimit: number;
  /** Bytes of a request's body, and of an uploaded file. */
  readonly bodyLimit: number;
  readonly uploadLimit: number;
  /** Milliseconds for an answer. */
  readonly answerTimeout: number;
  /** Milliseconds for a request to arrive. */
  readonly receiveTimeout: number;
  readonly feedback: FeedbackPolicy;
  readonly redact: Redact;
  /** Left out: nothing is learned. */
  readonly learner?: LearnerParts;
}

export interface Service {
  readonly url: string;
  /**
   * Ends in order: no new requests, what is at work is finished, for so many milliseconds at the most; then it is
   * broken off. Everything acknowledged is on disk before.
   */
  stop(deadline: number): Promise<void>;
}

/** Failed keys a minute and address. */
const FAILURES = 30;
const HEADERS_TIMEOUT = 10_000;
/** Beyond an answer's time, in which no byte may pass. */
const IDLE_MARGIN = 30_000;

/** @throws {UserError} for an address that cannot be listened on, or must not be without keys */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { backend, store, logger, host, redact } = options;
  const keys = await KeyStore.open(store);
  const loopback = isLoopback(host);
  if (!loopback && !(await keys.hasKeys())) {
    const problem = 'without keys only this machine may be listened to';
    throw new UserError(`--host ${host}: ${problem}; make one first: lifealign keys add --roles admin`);
  }
  const metrics = new Metrics({
    running: () => backend.load().running,
    waiting: () => backend.load().waiting,
  });
  const ending = new AbortController();
  // Every answer at work listens to it.
  setMaxListeners(0, ending.signal);
  let draining = false;
  const completions = new CompletionLog({ store, redact, keptDays: options.feedback.keptDays });
  const feedback = new FeedbackStore({ store, redact, policy: options.feedback });
  const learner = learnerService({ store, redact, logger, metrics, parts: options.learner ?? null });
  const routes = [
    ...chatRoutes({
      backend,
      metrics,
      timeout: options.answerTimeout,
      ending: ending.signal,
      onAnswer: (fields) => logger.info(fields, 'answer'),
      // An answer is worth more than its place in the log.
      keep: (completion, source) =>
        completions.keep(completion, source).catch((error: unknown) => {
          logger.error(errorFields(error), 'an answer could not be kept for feedback');
        }),
    }),
    ...feedbackRoutes({ feedback, store, metrics }),
    ...learner.routes,
    ...memoryRoutes({ memories: options.memories ?? [], store, measureDrop: options.measureDrop }),
    ...dataRoutes(),
    ...callerRoutes(),
  ];
  const system = systemRoutes({
    metrics,
    routes,
    notReady: async () => (draining ? 'shutting down' : storeProblem(store, logger)),
  });
  const app = createApp({
    routes: [...routes, ...system, ...(await studioRoutes(options.studio))],
    authenticator: new Authenticator({
      keys,
      openWithoutKeys: loopback,
      failures: new RateLimiter(FAILURES),
    }),
    rates: new RateLimiter(options.rateLimit),
    origins: originRules(host, options.allowedHosts, options.allowedOrigins),
    metrics,
    logger,
    bodyLimit: options.bodyLimit,
    uploadLimit: options.uploadLimit,
    ending: () => draining,
  });
  const listening = await listen(app, {
    ...{ host, port: options.port },
    headersTimeout: Math.min(HEADERS_TIMEOUT, options.receiveTimeout),
    receiveTimeout: options.receiveTimeout,
    idleTimeout: options.answerTimeout + IDLE_MARGIN,
    onError: (error) => logger.error(errorFields(error), 'a request failed'),
  });
  try {
    await audit(store.db, { actor: 'service', action: 'service.start', target: listening.url });
  } catch (error) {
    listening.breakOff();
    await listening.stop();
    throw error;
  }
  const retention = startRetention(feedback, logger);
  learner.start();
  logger.info({ url: listening.url, keys: await keys.hasKeys() }, 'listening');

  const stop = async (deadline: number): Promise<void> => {
    draining = true;
    retention.stop();
    logger.info(backend.load(), 'shutting down');
    const closed = listening.stop();
    const learned = learner.stop();
    const timer = setTimeout(() => {
      logger.warn(backend.load(), 'the deadline has passed: what is at work is broken off');
      ending.abort(new ApiError(503, 'the service has ended'));
      // What was told so is sent before the connection goes.
      setTimeout(() => listening.breakOff(), 250).unref();
    }, deadline);
    await backend.drain();
    await closed;
    clearTimeout(timer);
    await learned;
    await audit(store.db, { actor: 'service', action: 'service.stop', target: listening.url });
    await backend.close();
    await store.close();
    logger.info('ended');
  };
  let stopped: Promise<void> | null = null;
  return {
    url: listening.url,
    stop(deadline) {
      stopped ??= stop(deadline);
      return stopped;
    },
  };
}

async function storeProblem({ db }: Store, logger: Logger): Promise<string | null> {
  try {
    await db.selectFrom('settings').select('name').limit(1).execute();
    return null;
  } catch (error) {
    logger.error(errorFields(error), 'the database cannot be read');
    return 'the database cannot be read';
  }
}
