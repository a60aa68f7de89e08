/** A service in this process, over a fresh database, as tests talk to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBase } from '../../src/cli/base.ts';
import type { ChatBackend } from '../../src/service/chat/backend.ts';
import { LocalBackend, type LocalBackendOptions } from '../../src/service/chat/local-backend.ts';
import { keepAll } from '../../src/service/feedback/redact.ts';
import { createLogger } from '../../src/service/http/log.ts';
import { KeyStore } from '../../src/service/keys/key-store.ts';
import { ROLES, type Role } from '../../src/service/keys/roles.ts';
import { ModelRegistry } from '../../src/service/models/registry.ts';
import { type Service, type ServiceOptions, startService } from '../../src/service/service.ts';
import { openStore, type Store, type StoreLocation } from '../../src/service/store/open.ts';

export const POLICY = { keptDays: 30, feedbackDays: 0, perPerson: 0, perSource: 0 };

export interface TestService extends Service {
  readonly store: Store;
  readonly folder: string;
  /** The log's lines so far. */
  readonly log: string[];
  /** Makes a key. */
  key(...roles: Role[]): Promise<string>;
  request(path: string, init?: TestRequest): Promise<Response>;
  end(): Promise<void>;
}

export interface TestRequest {
  readonly method?: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startTestService(
  backend: ChatBackend,
  options: Partial<ServiceOptions> & { readonly location?: StoreLocation } = {},
): Promise<TestService> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-service-'));
  const location = options.location ?? { kind: 'sqlite', file: join(folder, 'service.sqlite') };
  const store = options.store ?? (await openStore(location));
  const log: string[] = [];
  const logger = createLogger('debug', { write: (line: string) => void log.push(line) });
  const service = await startService({
    ...{ backend, store, logger, host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [] },
    ...{
      rateLimit: 0,
      bodyLimit: 2 ** 18,
      uploadLimit: 2 ** 18,
      answerTimeout: 60_000,
      receiveTimeout: 30_000,
    },
    ...{ feedback: POLICY, redact: keepAll },
    ...options,
  });
  return {
    ...service,
    store,
    folder,
    log,
    key: async (...roles) => (await (await KeyStore.open(store)).add('test', roles)).text,
    request: (path, { method, body, key, headers } = {}) =>
      fetch(`${service.url}${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...headers,
        },
      }),
    async end() {
      await service.stop(1000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One key for each role alone. */
export async function keyOfEachRole(service: TestService): Promise<Record<Role, string>> {
  const keys = await Promise.all(ROLES.map(async (role) => [role, await service.key(role)] as const));
  return Object.fromEntries(keys) as Record<Role, string>;
}

/** The embedded base behind a backend. @param endless answers have no end but that of their room */
export async function openTinyBackend({
  endless = false,
  ...options
}: Partial<LocalBackendOptions> & { readonly endless?: boolean } = {}) {
  const opened = await openBase('tiny', { threads: 1 });
  const base = endless ? { ...opened, endTokens: [] } : opened;
  const registry = new ModelRegistry();
  registry.publish({ name: 'tiny', version: null }, null);
  const errors: unknown[] = [];
  const backend = new LocalBackend({
    ...{ base, registry, batchSize: 4, queue: 64, cacheMemory: 2 ** 30 },
    ...{ maxTokens: 128, contextLength: null, allowSpecialTokens: false },
    onError: (error) => errors.push(error),
    ...options,
  });
  return { base, registry, backend, errors };
}

/** Answers at once with what was asked, without a model. */
export function echoBackend(): ChatBackend {
  const models = [{ id: 'echo', object: 'model', created: 0, owned_by: 'tests' } as const];
  let made = 0;
  return {
    models: async () => models,
    async chat(body, call) {
      const messages = (body['messages'] ?? []) as { content: string }[];
      const head = { id: `chatcmpl-${made++}`, created: 0, model: 'echo' };
      const answer = String(messages.at(-1)?.content);
      await call.record({
        ...head,
        ...{ messages, answers: [answer], usage: null, keep: true },
        person: (body['user'] as string | undefined) ?? null,
      });
      const choices = [{ index: 0, message: { role: 'assistant', content: answer }, finish_reason: 'stop' }];
      return {
        response: Response.json({ ...head, object: 'chat.completion', choices }),
        done: Promise.resolve(),
      };
    },
    load: () => ({ running: 0, waiting: 0 }),
    drain: async () => {},
    close: async () => {},
  };
}
