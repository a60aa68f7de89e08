/** Which state of the sources is measured. */
import { run } from './child.ts';

/** The commit's short hash, with `+` behind it where files have changed since; `unknown` without Git. */
export async function commitOfCheckout(): Promise<string> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short=10', 'HEAD']);
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--', 'src', 'bench']);
    return `${commit.trim()}${changes.trim() === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}
