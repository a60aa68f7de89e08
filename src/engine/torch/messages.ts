/** What the worker says, checked: its greeting, its readiness, and the tensors of its replies. */
import * as z from 'zod';
import { UserError } from '../../support/errors.ts';
import { version } from '../../support/version.ts';
import { type Frame, type FrameTensor, ProtocolError } from './frames.ts';

/** Raised with every change of what messages hold or mean; the worker has its own. */
export const PROTOCOL = 2;

const hello = z.object({ type: z.literal('hello'), protocol: z.int(), version: z.string().max(100) });

const ready = z.object({
  versions: z.record(z.string(), z.string()),
  ranks: z.int().positive(),
  device: z.string(),
  dtype: z.string(),
  vocabulary: z.int().positive(),
  hidden: z.int().positive(),
  layers: z.int().positive(),
});

export type Ready = z.output<typeof ready>;

const counters = z.object({
  forward_tokens: z.number(),
  forward_seconds: z.number(),
  backward_seconds: z.number(),
  collect_seconds: z.number(),
  summed_bytes: z.number(),
  shared_bytes: z.number(),
  gathered_bytes: z.number(),
  peak_memory_bytes: z.number(),
});

/** Of rank 0 since it was ready; what each counts is said in worker/PROTOCOL.md. */
export type WorkerCounters = z.output<typeof counters>;

/** @throws {ProtocolError} where one is missing */
export function parseCounters({ header }: Frame): WorkerCounters {
  const found = counters.safeParse(header);
  if (!found.success) throw new ProtocolError('the counters are not those expected');
  return found.data;
}

/** @throws {UserError} naming both sides' versions, where the protocols differ */
export function checkHello({ header }: Frame): void {
  const found = hello.safeParse(header);
  if (!found.success) throw new UserError("the torch worker's first words are no hello", { exitCode: 1 });
  const { protocol, version: worker } = found.data;
  if (protocol === PROTOCOL) return;
  throw new UserError(
    `lifealign ${version} speaks protocol ${PROTOCOL} with its torch worker, but the worker (${worker}) speaks ` +
      `protocol ${protocol}; use the worker that comes with this lifealign`,
  );
}

/** @throws {UserError} where the worker is not ready for this model */
export function parseReady(
  header: Frame['header'],
  expected: { vocabulary: number; hidden: number; layers: number },
): Ready {
  const found = ready.safeParse(header);
  if (!found.success) {
    throw new UserError('the torch worker broke the protocol: it does not say what it has loaded', {
      exitCode: 1,
    });
  }
  for (const key of ['vocabulary', 'hidden', 'layers'] as const) {
    if (found.data[key] === expected[key]) continue;
    const problem = `has ${key} ${found.data[key]} where config.json says ${expected[key]}`;
    throw new UserError(`the model that torch loaded ${problem}`, { exitCode: 1 });
  }
  return found.data;
}

/** A tensor of a reply. @throws {ProtocolError} where it is missing, or of another kind or shape */
export function replyTensor<T extends FrameTensor['data']>(
  { tensors }: Frame,
  name: string,
  kind: new (...given: never[]) => T,
  shape: readonly number[],
): T {
  const found = tensors.get(name);
  const fits =
    found?.data instanceof kind &&
    found.shape.length === shape.length &&
    found.shape.every((size, axis) => size === shape[axis]);
  if (!fits) throw new ProtocolError(`"${name}" is not the ${kind.name} of [${shape.join(', ')}] expected`);
  return found.data as T;
}
