/** This package's version, from its package.json, alike in a checkout and in a published package. */
import { createRequire } from 'node:module';

export const version: string = createRequire(import.meta.url)('lifealign/package.json').version;
