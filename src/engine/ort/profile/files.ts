/** Where the runtime's measurements of a session go, with the graph they are of beside them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmittedGraph } from '../open-session.ts';

const PURPOSES = ['score', 'gradients', 'generate'] as const;
export type ProfiledPurpose = (typeof PURPOSES)[number];

/** What one session left. */
export interface SessionFiles {
  readonly purpose: ProfiledPurpose;
  /** The graph, as ONNX. */
  readonly graph: Uint8Array;
  /** The runtime's events, JSON. */
  readonly events: string;
}

export class ProfileFiles {
  readonly #folder: string;
  readonly #known = new Map<string, { readonly profile: string }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param key of a session, beginning with its purpose */
  optionFor(key: string, graph: () => EmittedGraph): { readonly profile: string } {
    const known = this.#known.get(key);
    if (known) return known;
    const [purpose] = key.split('|');
    const profile = join(this.#folder, `${this.#known.size + 1}-${purpose}`);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(`${profile}.onnx`, graph().bytes);
    const made = { profile };
    this.#known.set(key, made);
    return made;
  }
}

/** Those of an engine that was closed, in the order in which its sessions were made. */
export async function readProfileFiles(folder: string): Promise<SessionFiles[]> {
  const names = await readdir(folder);
  const graphs = names
    .flatMap((name) => {
      const [, number, purpose] = /^(\d+)-(\w+)\.onnx$/.exec(name) ?? [];
      const known = PURPOSES.find((one) => one === purpose);
      return known ? [{ name, number: Number(number), purpose: known }] : [];
    })
    .sort((one, other) => one.number - other.number);
  return Promise.all(
    graphs.map(async ({ name, number, purpose }) => {
      // The runtime puts the time behind the path it is told.
      const events = names.find(
        (other) => other.startsWith(`${number}-${purpose}_`) && other.endsWith('.json'),
      );
      if (events === undefined) throw new Error(`${folder}: the session ${number} was not let go`);
      return {
        purpose,
        graph: new Uint8Array(await readFile(join(folder, name))),
        events: await readFile(join(folder, events), 'utf8'),
      };
    }),
  );
}
