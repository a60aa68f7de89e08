/** Which sessions an engine has open, and what each of them holds. */
import { describe, expect, it } from 'vitest';
import type { EmittedGraph, OrtSession } from '../../src/engine/ort/open-session.ts';
import { type PoolOptions, SessionPool, type SessionRequest } from '../../src/engine/ort/session-pool.ts';

/** A clock; sessions that take a second to open and tell of it; a graph's bytes are its name. */
function setUp(options: PoolOptions = {}) {
  let seconds = 0;
  const log: string[] = [];
  const nameOf = ({ bytes }: EmittedGraph) => new TextDecoder().decode(bytes);
  const open = async (graphs: readonly EmittedGraph[]): Promise<OrtSession> => {
    const names = graphs.map(nameOf);
    log.push(`open ${names.join('+')}`);
    seconds++;
    return {
      run: async (_, { graph = 0 } = {}) => {
        log.push(names[graph]!);
        return {};
      },
      release: async () => void log.push(`close ${names.join('+')}`),
    };
  };
  const pool = new SessionPool(open, { shared: true, now: () => 1000 * seconds, ...options });
  const run = (name: string, siblings: readonly string[] = []) =>
    pool.use({ ...request(name), siblings: siblings.map(request) }, (runner) => runner.run({}));
  /** What was done since it was last asked. */
  const told = () => log.splice(0).join(', ');
  const wait = (time: number) => {
    seconds += time;
  };
  return { pool, run, told, wait };
}

/** `purpose kind variant` */
function request(name: string): SessionRequest {
  const [purpose, kind, variant] = name.split(' ') as [SessionRequest['purpose'], string, string];
  const graph = () => ({ bytes: new TextEncoder().encode(name), inputs: [], weightsFolder: '.' });
  return { purpose, kind, variant, graph, options: {} };
}

const [base, policy] = ['score base 2', 'score lora 2'];
const [short, long] = ['gradients fpo short', 'gradients fpo long'];
const other = 'gradients sft short';
const decode = 'generate lora one';

describe('a pool that shares sessions', () => {
  it('lets what is over go before something new is opened', async () => {
    const { run, told } = setUp();
    for (const name of [base, base, policy, decode]) await run(name);
    expect(told()).toBe(
      `open ${base}, ${base}, ${base}, close ${base}, open ${policy}, ${policy}, ` +
        `close ${policy}, open ${decode}, ${decode}`,
    );
  });

  it('has the graphs of one kind in one session, those that are known to come from the start', async () => {
    const { run, told } = setUp();
    await run(short);
    await run(long);
    await run(short);
    expect(told()).toBe(`open ${short}, ${short}, close ${short}, open ${short}+${long}, ${long}, ${short}`);
    await run(other, [other, 'gradients sft long']);
    expect(told()).toBe(`close ${short}+${long}, open ${other}+gradients sft long, ${other}`);
  });

  it('puts together what takes turns', async () => {
    const { run, told, wait } = setUp();
    await run(policy);
    await run(short);
    wait(19);
    told();
    for (const name of [policy, short, policy]) await run(name);
    expect(told()).toBe(`close ${short}, open ${short}+${policy}, ${policy}, ${short}, ${policy}`);
  });

  it('opens again what comes back after long', async () => {
    const { run, told, wait } = setUp();
    await run(policy);
    await run(short);
    wait(20);
    told();
    await run(policy);
    expect(told()).toBe(`close ${short}, open ${policy}, ${policy}`);
  });

  it('has what decodes in a session of its own, also in turns', async () => {
    const { run, told } = setUp();
    for (const name of [decode, policy, decode, policy]) await run(name);
    expect(told()).toBe(
      `open ${decode}, ${decode}, close ${decode}, open ${policy}, ${policy}, open ${decode}, ${decode}, ${policy}`,
    );
  });

  it('leaves a session that is at work alone', async () => {
    const { pool, run, told } = setUp();
    let end = () => {};
    const work = pool.use(request(policy), () => new Promise<void>((resolve) => (end = resolve)));
    await run(short);
    expect(told()).toBe(`open ${policy}, open ${short}, ${short}`);
    end();
    await work;
    await run(other);
    expect(told()).toBe(`close ${policy}, close ${short}, open ${other}, ${other}`);
    await pool.close();
    expect(told()).toBe(`close ${other}`);
  });

  it('has a graph made once, and keeps nothing that it was made from', async () => {
    const { pool, told } = setUp();
    const made: string[] = [];
    const counted = (name: string) => ({
      ...request(name),
      graph: () => {
        made.push(name);
        return request(name).graph();
      },
    });
    await pool.use({ ...counted(short), siblings: [counted(long)] }, (runner) => runner.run({}));
    await pool.use(counted('gradients fpo longer'), (runner) => runner.run({}));
    expect(told()).toContain(`open ${short}+${long}+gradients fpo longer`);
    expect(made).toEqual([short, long, 'gradients fpo longer']);
  });

  it('forgets one that could not be opened', async () => {
    let broken = true;
    const pool = new SessionPool(
      async () => {
        if (broken) throw new Error('no memory');
        return { run: async () => ({}), release: async () => {} };
      },
      { shared: true },
    );
    await expect(pool.use(request(short), (runner) => runner.run({}))).rejects.toThrow('no memory');
    broken = false;
    expect(await pool.use(request(short), (runner) => runner.run({}))).toEqual({});
    await pool.close();
  });
});

describe('a pool that does not', () => {
  it('keeps a session for every graph until gradients of a new kind begin', async () => {
    const { pool, run, told } = setUp({ shared: false });
    for (const name of [base, policy, decode]) await run(name);
    await pool.begin('fpo');
    await run(short, [long]);
    await run(long);
    expect(told()).toBe(
      `open ${base}, ${base}, open ${policy}, ${policy}, open ${decode}, ${decode}, ` +
        `close ${base}, close ${policy}, open ${short}, ${short}, open ${long}, ${long}`,
    );
    await pool.begin('fpo');
    await pool.close();
    expect(told()).toBe(`close ${decode}, close ${short}, close ${long}`);
  });

  it('keeps kinds that take turns, unless what is there has been open for long', async () => {
    const stages = async (rest: number) => {
      const { pool, run, told, wait } = setUp({ shared: false });
      await pool.begin('sft');
      await run(other);
      await pool.begin('fpo');
      await run(short);
      told();
      wait(rest);
      await pool.begin('sft');
      await run(other);
      await pool.begin('fpo');
      await run(short);
      return told();
    };
    expect(await stages(19)).toBe(`open ${other}, ${other}, ${short}`);
    expect(await stages(20)).toBe(`close ${short}, open ${other}, ${other}, open ${short}, ${short}`);
  });

  it('lets a kind go that stayed, when the other has had a long turn', async () => {
    const { pool, run, told, wait } = setUp({ shared: false });
    for (const [kind, name] of Object.entries({ sft: other, fpo: short })) {
      await pool.begin(kind);
      await run(name);
    }
    await pool.begin('sft');
    await run(other);
    await pool.begin('fpo');
    told();
    wait(30);
    await pool.begin('sft');
    expect(told()).toBe(`close ${short}`);
  });
});
