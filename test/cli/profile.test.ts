/** `lifealign profile` on a small model: what it prints and writes, and what it refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const args = ['profile', '--model', MODEL, '--data', ROWS, '--threads', '1', '--rows', '3'];

describe('profile', () => {
  it('prints where the time of a gradient goes, and writes all numbers and traces', async () => {
    const { code, stdout } = await lifealign(
      ...args,
      '--output',
      at('profile.json'),
      '--trace-dir',
      at('traces'),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^fpo: gradient of 3 pairs, \d+ tokens/);
    expect(stdout).toMatch(/^layers\.\*\.self_attn\.attention( +\d+\.\d){6} +\d+$/m);
    expect(stdout).toMatch(/^FusedMatMul /m);
    expect(stdout).toMatch(/^1 /m);
    const { profile, tokens, seconds } = JSON.parse(readFileSync(at('profile.json'), 'utf8'));
    expect(tokens).toBeGreaterThan(0);
    expect(seconds).toBeGreaterThanOrEqual(profile.seconds);
    expect(profile.layers).toHaveLength(2);
    const traces = readdirSync(at('traces')).filter((name) => name.endsWith('.json'));
    // The reference's log-probs and the gradient.
    expect(traces).toHaveLength(2);
    expect(JSON.parse(readFileSync(join(at('traces'), traces[0]!), 'utf8')).length).toBeGreaterThan(10);
  });

  it('prints the same of log-probs alone, without a backward pass', async () => {
    const { code, stdout } = await lifealign(...args, '--score', '--steps', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^log-probs of 3 pairs/);
    const [, , backward] = /^lm_head +(\S+) +(\S+) +(\S+)/m.exec(stdout)!.slice(1);
    expect(Number(backward)).toBe(0);
  });

  it('refuses what it cannot use, before anything is loaded', async () => {
    const refusal = async (...more: string[]) => {
      const { code, stdout, stderr } = await lifealign(...args, ...more);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    mkdirSync(at('full'));
    writeFileSync(at('full/file'), '');
    expect(await refusal('--trace-dir', at('full'))).toContain('expected an empty folder');
    expect(await refusal('--objective', 'fbo')).toContain('fpo');
    expect(await refusal('--steps', '0')).toContain('--steps 0');
    expect(await refusal('--data', at('missing.json'))).toContain('missing.json');
    expect(existsSync(at('profile.json'))).toBe(false);
  });
});
