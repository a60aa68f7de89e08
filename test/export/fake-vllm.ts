/**
 * A server that behaves as vLLM's does towards LoRA adapters, written from its documentation: adapters have names and
 * come from folders, a second one of a name is refused, and so is a rank above the server's.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface FakeVllm {
  readonly url: string;
  /** Requests in order: `load NAME`, `ask NAME`, `unload NAME`. */
  readonly log: string[];
  readonly loaded: Set<string>;
  close(): Promise<void>;
}

export interface FakeVllmOptions {
  readonly updates?: boolean;
  readonly maxRank?: number;
  readonly answers?: boolean;
  /** Ends the connection where it is asked for an answer. */
  readonly hangsUp?: boolean;
  readonly key?: string;
  readonly keeps?: string;
}

export async function startFakeVllm(options: FakeVllmOptions = {}): Promise<FakeVllm> {
  const { updates = true, maxRank = 16, answers = true, hangsUp = false, key, keeps } = options;
  const log: string[] = [];
  const loaded = new Set<string>();
  const refuse = (status: number, message: string) => ({ status, body: { object: 'error', message } });
  const ok = (body: unknown) => ({ status: 200, body });

  function load({ lora_name: name, lora_path: path }: Record<string, string>) {
    log.push(`load ${name}`);
    if (loaded.has(name!)) return refuse(400, `The lora adapter '${name}' has already been loaded.`);
    const { r } = JSON.parse(readFileSync(join(path!, 'adapter_config.json'), 'utf8')) as { r: number };
    if (r > maxRank) return refuse(400, `LoRA rank ${r} is greater than max_lora_rank ${maxRank}.`);
    loaded.add(name!);
    return ok(`Success: LoRA adapter '${name}' added successfully.`);
  }

  function unload({ lora_name: name }: Record<string, string>) {
    log.push(`unload ${name}`);
    if (name === keeps) return refuse(500, 'it is in use');
    if (!loaded.delete(name!)) return refuse(404, `The lora adapter '${name}' cannot be found.`);
    return ok('removed');
  }

  function complete({ model }: Record<string, string>) {
    log.push(`ask ${model}`);
    if (!answers) return refuse(500, 'the engine is dead');
    return loaded.has(model!) ? ok({ choices: [{ text: 'a' }] }) : refuse(404, `no model ${model}`);
  }

  const server = createServer((request, response) => void handle(request, response));
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    const routes: Record<string, () => { status: number; body: unknown }> = {
      '/v1/models': () => ok({ object: 'list', data: ['base', ...loaded].map((id) => ({ id })) }),
      '/v1/completions': () => complete(body),
      ...(updates
        ? { '/v1/load_lora_adapter': () => load(body), '/v1/unload_lora_adapter': () => unload(body) }
        : {}),
    };
    const isKnown = key === undefined || request.headers.authorization === `Bearer ${key}`;
    const route = routes[request.url ?? ''];
    if (hangsUp && request.url === '/v1/completions') return void response.destroy();
    const reply = !isKnown
      ? refuse(401, 'Unauthorized')
      : route
        ? route()
        : { status: 404, body: { detail: 'Not Found' } };
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, log, loaded, close: () => closeServer(server) };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
