/** Whether a base is the one that a memory was made for: everything in it is about that one. */
import { UserError } from '../../support/errors.ts';
import type { BaseHashes } from './records.ts';

interface Base {
  readonly model: { readonly identity: string };
  readonly text: {
    readonly tokenizer: { readonly identity: string };
    readonly template: { readonly identity: string };
  };
}

/** As a memory's commits record them; runtime and precision are no part of it: precision.ts has the latter. */
export function baseHashes({ model, text }: Base): BaseHashes {
  return { base: model.identity, tokenizer: text.tokenizer.identity, template: text.template.identity };
}

const WHAT: Readonly<Record<keyof BaseHashes, string>> = {
  base: 'base (its weights or its configuration)',
  tokenizer: 'tokenizer of the base',
  template: 'chat template of the base',
};

/** @throws {UserError} naming what of the base is not what it was. */
export function checkBase(folder: string, recorded: BaseHashes, found: BaseHashes): void {
  for (const key of ['base', 'tokenizer', 'template'] as const) {
    if (recorded[key] === found[key]) continue;
    throw new UserError(
      `${folder}: the ${WHAT[key]} has another hash than that which this memory was made with ` +
        `(${found[key].slice(0, 12)}, was ${recorded[key].slice(0, 12)}): its adapters are for that one only`,
    );
  }
}
