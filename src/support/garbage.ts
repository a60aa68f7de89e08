/** Memory that this program's objects no longer need, given back now. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * V8 collects when more objects are made. Behind a step that left many and before hours of native code, in which none
 * are, it has to be asked: once to collect, once more to give the pages back. That takes tens of milliseconds. Does
 * nothing where V8 does not offer it.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('globalThis.gc');
    collect = typeof found === 'function' ? () => found() : () => {};
  }
  collect();
  collect();
}
