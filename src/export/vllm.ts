/**
 * Hands an exported adapter to a running vLLM, which serves a LoRA adapter by its folder. Each version has a name of its
 * own there, so that the one before answers until the new one has: only then is it taken away.
 */
import * as z from 'zod';
import { UserError } from '../support/errors.ts';
import { errorCode } from '../support/file-error.ts';

export interface PushOptions {
  /** Of the server, without `/v1`. */
  readonly url: URL;
  /** The adapter is served as `<name>-<version>`. */
  readonly name: string;
  /** What tells this adapter from all others: lower-case hexadecimal digits. */
  readonly version: string;
  /** Of the PEFT folder, as the server sees it. */
  readonly path: string;
  readonly key: string | null;
  readonly warn: (message: string) => void;
  readonly signal?: AbortSignal;
}

export interface PushReport {
  /** The model to ask for. */
  readonly model: string;
  /** Versions of that name which the server serves no more. */
  readonly unloaded: readonly string[];
}

/** Reading the adapter's files may take a slow disk this long. */
const LOAD_MS = 300_000;
const ANSWER_MS = 60_000;

const modelList = z.object({ data: z.array(z.object({ id: z.string() })) });
const complaint = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
]);

/** @throws {UserError} for what is no address of a server */
export function pushAddress(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new UserError(`${flag} ${text}: expected the address of a server, such as http://localhost:8000`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UserError(`${flag}: a user name or password in the URL would end up in logs; set VLLM_API_KEY`);
  }
  url.pathname = url.pathname.replace(/\/+(v1\/*)?$/, '');
  return url;
}

/**
 * Loads it, asks it for a token, and then takes away older versions of the name.
 *
 * @throws {UserError} with exit code 1 where the server cannot be reached or refuses, saying why; it then serves what
 *   it did before
 */
export async function pushToVllm(options: PushOptions): Promise<PushReport> {
  const { name, version, path, warn } = options;
  const model = `${name}-${version}`;
  const before = await servedModels(options);
  if (!before.includes(model)) {
    const refused = await ask(options, 'load_lora_adapter', { lora_name: model, lora_path: path }, LOAD_MS);
    if (refused !== null) throw unchanged(loadProblem(refused));
  }
  try {
    const silent = await ask(options, 'completions', { model, prompt: '.', max_tokens: 1 }, ANSWER_MS);
    if (silent) throw unchanged(`the adapter was loaded, but does not answer: ${silent.message}`);
  } catch (error) {
    // The first problem is the one to tell.
    if (!before.includes(model)) await unload(options, model).catch(() => {});
    throw error;
  }
  const unloaded: string[] = [];
  for (const old of before.filter((id) => id !== model && isVersionOf(name, id))) {
    const refused = await unload(options, old);
    if (refused === null) unloaded.push(old);
    else warn(`the server answers as ${model}, but keeps ${old}: ${refused.message}`);
  }
  return { model, unloaded };
}

interface Refusal {
  readonly status: number;
  readonly message: string;
}

function isVersionOf(name: string, id: string): boolean {
  return id.startsWith(`${name}-`) && /^[0-9a-f]{12}$/.test(id.slice(name.length + 1));
}

async function servedModels(options: PushOptions): Promise<readonly string[]> {
  const response = await request(options, 'models', { method: 'GET' }, ANSWER_MS);
  const text = await response.text();
  if (!response.ok) throw unchanged(`it does not list its models: ${said(response.status, text).message}`);
  const parsed = modelList.safeParse(parsedJson(text));
  if (!parsed.success) throw unchanged('it does not list its models as vLLM does');
  return parsed.data.data.map(({ id }) => id);
}

function unload(options: PushOptions, name: string): Promise<Refusal | null> {
  return ask(options, 'unload_lora_adapter', { lora_name: name }, ANSWER_MS);
}

/** Null where the server did it. */
async function ask(
  options: PushOptions,
  path: string,
  body: object,
  milliseconds: number,
): Promise<Refusal | null> {
  const init = { method: 'POST', body: JSON.stringify(body) };
  const response = await request(options, path, init, milliseconds);
  const text = await response.text();
  return response.ok ? null : said(response.status, text);
}

async function request(
  { url, key, signal }: PushOptions,
  path: string,
  init: RequestInit,
  milliseconds: number,
): Promise<Response> {
  const address = new URL(url);
  address.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${path}`;
  const authorization = key === null ? {} : { authorization: `Bearer ${key}` };
  const signals = [AbortSignal.timeout(milliseconds), ...(signal ? [signal] : [])];
  try {
    return await fetch(address, {
      ...init,
      headers: { 'content-type': 'application/json', ...authorization },
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    signal?.throwIfAborted();
    const isLate = (error as Error).name === 'TimeoutError';
    const why = isLate
      ? `did not answer within ${milliseconds / 1000} s`
      : `cannot be reached (${errorCode((error as Error).cause) ?? 'no connection'})`;
    throw new UserError(`--push: ${url.origin} ${why}. The adapter is written`, { exitCode: 1 });
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function said(status: number, text: string): Refusal {
  const parsed = complaint.safeParse(parsedJson(text));
  return { status, message: parsed.success ? parsed.data.slice(0, 500) : `status ${status}` };
}

function loadProblem({ status, message }: Refusal): string {
  if (status === 404 || status === 405) {
    return (
      `it loads no adapters while it runs (${message}); vLLM does where it is started with --enable-lora and ` +
      'VLLM_ALLOW_RUNTIME_LORA_UPDATING=True'
    );
  }
  if (status === 401 || status === 403) return 'it does not accept the key (VLLM_API_KEY)';
  return `it refuses the adapter: ${message}`;
}

function unchanged(problem: string): UserError {
  return new UserError(`--push: ${problem}. The adapter is written; the server serves what it did before`, {
    exitCode: 1,
  });
}
