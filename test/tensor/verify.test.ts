/** The verifier catches malformed graphs; the rules that make graphs never let them arise. */
import { describe, expect, it } from 'vitest';
import { add, exp, input, matmul, region, weight } from '../../src/tensor/functions.ts';
import type { Operation } from '../../src/tensor/operation.ts';
import { addOperation, exponentialOperation } from '../../src/tensor/operations/elementwise.ts';
import { applyOperation, applySingle, type Node, type Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';

const x = input('x', ['n', 2]);

/** A node made by hand, past the shape rules. */
function forge(changes: Partial<Node>, output: Partial<Tensor> = {}): Tensor {
  const outputs: Tensor[] = [];
  const node: Node = {
    operation: exponentialOperation as Operation,
    inputs: [x],
    attributes: {},
    outputs,
    order: Number.MAX_SAFE_INTEGER,
    scope: x.node.scope,
    ...changes,
  };
  outputs.push({ shape: ['n', 2], dataType: 'float32', node, output: 0, ...output });
  return outputs[0] as Tensor;
}

describe('verifyGraph', () => {
  it('accepts what operations make', () => {
    expect(() => verifyGraph([add(exp(x), x), x])).not.toThrow();
    expect(() => verifyGraph([forge({})])).not.toThrow();
  });

  it('finds an output of another shape or data type than the rule says', () => {
    expect(() => verifyGraph([forge({}, { shape: ['n', 3] })])).toThrow('the shape rule says float32 [n, 2]');
    expect(() => verifyGraph([forge({}, { dataType: 'int64' })])).toThrow('the shape rule says float32');
  });

  it('finds inputs that the rule refuses', () => {
    const other = input('other', ['m', 2]);
    expect(() => verifyGraph([forge({ operation: addOperation as Operation, inputs: [x, other] })])).toThrow(
      'do not broadcast',
    );
  });

  it('finds another number of outputs', () => {
    const operation = { ...exponentialOperation, shape: () => [] } as unknown as Operation;
    expect(() => verifyGraph([forge({ operation })])).toThrow('another number of outputs');
  });

  it('finds an input that was made later', () => {
    expect(() => verifyGraph([forge({ order: 0 })])).toThrow('made after it');
  });

  it('finds an input that its maker does not have', () => {
    expect(() => verifyGraph([exp({ ...x, output: 1 })])).toThrow('no output of its maker');
    expect(() => verifyGraph([exp({ ...x })])).toThrow('no output of its maker');
  });

  it('finds an output that points elsewhere', () => {
    expect(() => verifyGraph([forge({}, { output: 1 })])).toThrow('points elsewhere');
  });

  it('finds two inputs or weights of one name', () => {
    expect(() => verifyGraph([add(x, input('x', ['n', 2]))])).toThrow('the name "x" is taken');
    expect(() => verifyGraph([matmul(x, weight('x', [2, 2]))])).toThrow('the name "x" is taken');
  });

  it('finds a misspelt dimension', () => {
    expect(() => verifyGraph([input('y', ['b + a'])])).toThrow('misspelt');
    expect(() => verifyGraph([input('y', [-1])])).toThrow('misspelt');
  });

  it('looks inside regions', () => {
    const bad = region([x], (inner) => {
      const node = applySingle(exponentialOperation, [inner as Tensor], {}).node;
      return [{ ...(node.outputs[0] as Tensor), shape: ['n', 5] }];
    });
    expect(() => verifyGraph(bad)).not.toThrow();
    const worse = region([x], (inner) =>
      applyOperation(
        { ...exponentialOperation, shape: () => [{ shape: [-1], dataType: 'float32' }] },
        [inner as Tensor],
        {},
      ),
    );
    expect(() => verifyGraph(worse)).toThrow('misspelt');
  });
});
