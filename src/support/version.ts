/** This package's version and folder, from its package.json, alike in a checkout and in a published package. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

const load = createRequire(import.meta.url);

export const version: string = load('lifealign/package.json').version;

/** Where its package.json is, with `bin` and `models` beside it. */
export const packageFolder: string = dirname(load.resolve('lifealign/package.json'));
