/**
 * A state's tensors as one checkpoint file holds them, named `<part>/<matrix>`. Of adapters only what is trained
 * is there: the rest is in what the method remembers.
 */
import { type MethodRun, type NamedMatrices, policyAdapter, trainedPart } from '../method/method.ts';
import { type Adapter, mapAdapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import type { RunState } from './state.ts';

export function stateTensors(state: RunState): NamedMatrices {
  const { adapter, taskStart, stageStart, optimizer, method } = state;
  const trained = (policy: Adapter) => trainedPart(method, policy).tensors;
  const shapes = trained(adapter);
  const ofMoments = (moments: ReadonlyMap<string, Float32Array> = new Map()): NamedMatrices =>
    new Map(Array.from(moments, ([name, data]) => [name, { shape: shapes.get(name)!.shape, data }]));
  const { firstMoments, secondMoments } = optimizer?.state() ?? {};
  const parts: Readonly<Record<string, NamedMatrices>> = {
    adapter: shapes,
    task_start: trained(taskStart),
    stage_start: trained(stageStart),
    first_moments: ofMoments(firstMoments),
    second_moments: ofMoments(secondMoments),
    method: method.state?.().running ?? new Map(),
  };
  return new Map(
    Object.entries(parts).flatMap(([part, matrices]) =>
      Array.from(matrices, ([name, matrix]) => [`${part}/${name}`, matrix] as const),
    ),
  );
}

/** The tensors of a checkpoint file by their part. */
export class CheckpointTensors {
  readonly #path: string;
  readonly #tensors: NamedMatrices;

  constructor(path: string, tensors: NamedMatrices) {
    this.#path = path;
    this.#tensors = tensors;
  }

  /** Whatever the part holds, nothing included. */
  part(part: string): NamedMatrices {
    const start = `${part}/`;
    const own = Array.from(this.#tensors).filter(([name]) => name.startsWith(start));
    return new Map(own.map(([name, tensor]) => [name.slice(start.length), tensor]));
  }

  /** A policy's adapter, of whose trained part `initial` decides names, shapes and settings. */
  adapter(part: 'adapter' | 'task_start' | 'stage_start', initial: Adapter, method: MethodRun): Adapter {
    const values = this.moments(part, initial);
    return policyAdapter(
      method,
      mapAdapter(initial, (_, name) => values.get(name)!),
    );
  }

  /** One array for each of the adapter's matrices. @throws {UserError} naming one that is missing. */
  moments(part: string, { tensors }: Adapter): ReadonlyMap<string, Float32Array> {
    return new Map(
      Array.from(tensors.keys(), (name) => {
        const tensor = this.#tensors.get(`${part}/${name}`);
        if (!tensor) throw new UserError(`${this.#path}: the tensor "${part}/${name}" is missing`);
        return [name, tensor.data];
      }),
    );
  }
}
