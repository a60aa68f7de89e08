import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { exp, input, matmul, multiply, region, sum } from '../../src/tensor/functions.ts';
import { gradients } from '../../src/tensor/gradient.ts';
import { emitOnnx, scopeOfName } from '../../src/tensor/onnx/emit.ts';
import { ModelProtoSchema } from '../../src/tensor/onnx/onnx_pb.ts';
import { currentScope, inPart, inScope } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

function namesOf(outputs: Readonly<Record<string, Tensor>>, named: boolean): string[] {
  const { bytes } = emitOnnx(outputs, undefined, { named });
  return (fromBinary(ModelProtoSchema, bytes).graph?.node ?? []).map(({ name }) => name);
}

/** Passes by part, of all named nodes. */
function passes(outputs: Readonly<Record<string, Tensor>>): Record<string, string[]> {
  const found: Record<string, Set<string>> = {};
  for (const name of namesOf(outputs, true)) {
    const { part, pass } = scopeOfName(name)!;
    found[part] = (found[part] ?? new Set()).add(pass);
  }
  return Object.fromEntries(Object.entries(found).map(([part, of]) => [part, [...of].sort()]));
}

const x = input('x', ['n', 2]);
const w = input('w', [2, 2]);

describe('the scope of a node', () => {
  it('is the part it was made in, the inner one, and ends with it', () => {
    const inner = inPart('outer', () => inPart('inner', () => exp(x)));
    expect(inner.node.scope).toEqual({ part: 'inner', pass: 'forward' });
    expect(() =>
      inPart('broken', () => {
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(currentScope()).toEqual({ part: '', pass: 'forward' });
    expect(inScope({ part: 'a', pass: 'backward' }, () => inPart('b', () => exp(x))).node.scope).toEqual({
      part: 'b',
      pass: 'backward',
    });
  });

  it('goes from a node to those of its gradient', () => {
    const hidden = inPart('layers.0', () => matmul(x, w));
    const loss = inPart('loss', () => sum(multiply(hidden, hidden)));
    const [gradient] = gradients(loss, [w]);
    expect(passes({ loss, gradient: gradient! })).toEqual({
      'layers.0': ['backward', 'forward'],
      loss: ['backward', 'forward'],
      outputs: ['backward', 'forward'],
    });
  });

  it('says what the backward pass computes again', () => {
    const [kept] = region([x], (inside) => [inPart('layers.0', () => exp(exp(matmul(inside!, w))))]);
    const loss = sum(kept!);
    const [gradient] = gradients(loss, [w]);
    expect(passes({ loss, gradient: gradient! })['layers.0']).toEqual(['again', 'backward', 'forward']);
  });

  it('is in no graph that was not asked for names', () => {
    expect(new Set(namesOf({ y: inPart('layers.0', () => exp(x)) }, false))).toEqual(new Set(['']));
    expect(scopeOfName('Identity_12')).toBeNull();
  });
});
