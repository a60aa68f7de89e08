/** Runs a graph in ONNX Runtime, as the engine does but with any data types. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { type ExternalData, emitOnnx } from '../../src/tensor/onnx/emit.ts';
import { ModelProtoSchema, type NodeProto } from '../../src/tensor/onnx/onnx_pb.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { DataType, Tensor } from '../../src/tensor/tensor.ts';

export interface OnnxSession {
  /** Values by the name of the input; those the graph does not read are ignored. */
  run(given: ReadonlyMap<string, { dataType: DataType; value: Value }>): Promise<Map<string, Value>>;
  close(): Promise<void>;
}

/** @param weights values of the graph's weights; they are written to a file the session maps */
export async function openOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  weights: ReadonlyMap<string, Value> = new Map(),
): Promise<OnnxSession> {
  const folder = weights.size > 0 ? mkdtempSync(join(tmpdir(), 'lifealign-onnx-')) : null;
  const places = new Map<string, ExternalData>();
  for (const [name, { data }] of weights) {
    writeFileSync(join(folder as string, name), Float32Array.from(data));
    places.set(name, { location: name, offset: 0, length: 4 * data.length });
  }
  const { bytes, inputs } = emitOnnx(outputs, (name) => places.get(name) as ExternalData);
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    ...(folder && { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
  });
  return {
    async run(given) {
      const feeds: Record<string, OrtTensor> = {};
      for (const name of inputs) {
        const { dataType, value } = given.get(name) as { dataType: DataType; value: Value };
        feeds[name] = toOrt(dataType, value);
      }
      const results = await session.run(feeds);
      return new Map(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
    },
    async close() {
      await session.release();
      if (folder) rmSync(folder, { recursive: true });
    },
  };
}

function toOrt(dataType: DataType, { shape, data }: Value): OrtTensor {
  switch (dataType) {
    case 'float32':
      return new OrtTensor('float32', Float32Array.from(data), shape);
    case 'int64':
      return new OrtTensor('int64', BigInt64Array.from([...data], BigInt), shape);
    case 'int8':
      return new OrtTensor('int8', Int8Array.from(data), shape);
    case 'bool':
      return new OrtTensor('bool', Uint8Array.from(data), shape);
  }
}

function fromOrt(tensor: OrtTensor): Value {
  const data = Float64Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  return { shape: tensor.dims, data };
}

/** The ONNX nodes a graph is emitted as. */
export function onnxNodes(outputs: Readonly<Record<string, Tensor>>): readonly NodeProto[] {
  const { bytes } = emitOnnx(outputs, () => ({ location: 'none', offset: 0, length: 4 }));
  return fromBinary(ModelProtoSchema, bytes).graph?.node ?? [];
}

/** How many nodes of one type a graph is emitted as. */
export function countNodes(outputs: Readonly<Record<string, Tensor>>, type: string): number {
  return onnxNodes(outputs).filter(({ opType }) => opType === type).length;
}
