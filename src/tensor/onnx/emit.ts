/**
 * Emission of a graph as an ONNX model. Values are numbered: a node asked for twice with the same
 * inputs and attributes is emitted once, so rules and lowerings may ask for what they need freely.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { type Dimension, isStatic } from '../dimension.ts';
import { currentScope, inScope, type Scope } from '../scope.ts';
import { type DataType, type Node, nodesOf, type Tensor, type TensorType } from '../tensor.ts';
import type { EmitOptions, Lowering, OnnxAttribute } from './lowering.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataType as TensorDataType,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** Where an initializer's float32 bytes lie. */
export interface ExternalData {
  /** File name relative to the folder the session is told. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** Names of the graph's inputs, in order of first use. */
  readonly inputs: readonly string[];
}

const operatorSet = 17n;

const dataTypes: Record<DataType, TensorDataType> = {
  float32: TensorDataType.FLOAT,
  int64: TensorDataType.INT64,
  int8: TensorDataType.INT8,
  bool: TensorDataType.BOOL,
};

class Emitter implements Lowering {
  readonly nodes: NodeProto[] = [];
  readonly inputs = new Map<string, ValueInfoProto>();
  readonly initializers = new Map<string, TensorProto>();
  readonly #names = new Map<Tensor, string>();
  readonly #types = new Map<string, TensorType>();
  readonly #numbered = new Map<string, readonly string[]>();
  readonly #used: ReadonlySet<Tensor>;
  readonly #locate: (name: string) => ExternalData;
  readonly #isNamed: boolean;
  #next = 0;

  constructor(used: ReadonlySet<Tensor>, locate: (name: string) => ExternalData, isNamed: boolean) {
    this.#used = used;
    this.#locate = locate;
    this.#isNamed = isNamed;
  }

  nameOf(tensor: Tensor): string {
    if (!this.#names.has(tensor)) {
      const { node } = tensor;
      // What a lowering makes anew belongs to the node it lowers.
      const names = inScope(node.scope, () => node.operation.lower(node, this));
      node.outputs.forEach((output, at) => {
        const name = names[at] as string;
        this.#names.set(output, name);
        if (name !== '') this.#types.set(name, output);
      });
    }
    return this.#names.get(tensor) as string;
  }

  emit(type: string, inputs: readonly string[], options: EmitOptions = {}): readonly string[] {
    const { attributes = {}, domain = '', outputs = 1 } = options;
    const key = JSON.stringify([type, inputs, attributes, domain, outputs]);
    const known = this.#numbered.get(key);
    if (known) return known;
    const names = Array.from({ length: outputs }, () => `v${this.#next++}`);
    this.nodes.push(
      create(NodeProtoSchema, {
        opType: type,
        ...(this.#isNamed ? { name: nodeName(currentScope(), names[0]!) } : {}),
        domain,
        input: [...inputs],
        output: names,
        attribute: Object.entries(attributes).map(([name, attribute]) => attributeProto(name, attribute)),
      }),
    );
    this.#numbered.set(key, names);
    return names;
  }

  emitSingle(type: string, inputs: readonly string[], options: EmitOptions = {}): string {
    return this.emit(type, inputs, options)[0] as string;
  }

  constant(data: readonly number[], shape: readonly number[], dataType: DataType): string {
    const key = JSON.stringify(['constant', data.map(String), shape, dataType]);
    const known = this.#numbered.get(key);
    if (known) return known[0] as string;
    const name = `c${this.#next++}`;
    const values =
      dataType === 'int64'
        ? { int64Data: data.map(BigInt) }
        : dataType === 'float32'
          ? { floatData: [...data] }
          : { int32Data: [...data] };
    this.initializers.set(
      name,
      create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType: dataTypes[dataType], ...values }),
    );
    this.#numbered.set(key, [name]);
    return name;
  }

  input(name: string, tensor: Tensor): string {
    this.inputs.set(name, valueInfo(name, tensor.shape, tensor.dataType));
    return name;
  }

  weight(name: string, tensor: Tensor): string {
    if (this.initializers.has(name)) return name;
    const { location, offset, length } = this.#locate(name);
    const entry = (key: string, value: string) => create(StringStringEntryProtoSchema, { key, value });
    this.initializers.set(
      name,
      create(TensorProtoSchema, {
        name,
        dims: tensor.shape.map((dimension) => BigInt(dimension)),
        dataType: dataTypes[tensor.dataType],
        dataLocation: DataLocation.EXTERNAL,
        externalData: [
          entry('location', location),
          entry('offset', String(offset)),
          entry('length', String(length)),
        ],
      }),
    );
    return name;
  }

  /**
   * The types of the values between. The runtime cannot infer symbolic sizes, and its memory planner looks
   * for a free buffer of equal shape: without them it finds few, and goes through all of them for every node.
   */
  typesBetween(): readonly ValueInfoProto[] {
    return [...this.#types]
      .filter(([name]) => !this.inputs.has(name) && !this.initializers.has(name))
      .map(([name, { shape, dataType }]) => valueInfo(name, shape, dataType));
  }

  isUsed(node: Node, output: number): boolean {
    return this.#used.has(node.outputs[output] as Tensor);
  }
}

function attributeProto(name: string, attribute: OnnxAttribute): AttributeProto {
  switch (attribute.kind) {
    case 'int':
      return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(attribute.value) });
    case 'float':
      return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: attribute.value });
    case 'ints':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.INTS,
        ints: attribute.value.map(BigInt),
      });
    case 'string':
      return create(AttributeProtoSchema, {
        name,
        type: AttributeType.STRING,
        s: new TextEncoder().encode(attribute.value),
      });
  }
}

function valueInfo(name: string, shape: readonly Dimension[], dataType: DataType): ValueInfoProto {
  const dim = shape.map((dimension) =>
    create(TensorShapeProto_DimensionSchema, {
      value: isStatic(dimension)
        ? { case: 'dimValue', value: BigInt(dimension) }
        : { case: 'dimParam', value: dimension },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: dataTypes[dataType],
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}

/** A node's name in profiles; `scopeOfName` reads it. */
function nodeName({ part, pass }: Scope, output: string): string {
  return `${pass}/${part}/${output}`;
}

/** Whom a node belongs to by its name; `null` for nodes that have none. */
export function scopeOfName(name: string): Scope | null {
  const [pass, part] = name.split('/');
  if (part === undefined || !['forward', 'again', 'backward'].includes(pass!)) return null;
  return { part, pass: pass as Scope['pass'] };
}

/**
 * @param outputs named results; their nodes are emitted in the order in which the graph was written
 * @param locate where the bytes of a weight lie
 * @param named whether nodes say what they belong to, for profiles
 */
export function emitOnnx(
  outputs: Readonly<Record<string, Tensor>>,
  locate: (name: string) => ExternalData = (name) => {
    throw new Error(`no file holds the weight "${name}"`);
  },
  { named = false }: { readonly named?: boolean } = {},
): OnnxModel {
  const roots = Object.values(outputs);
  const nodes = nodesOf(roots);
  const used = new Set<Tensor>([...roots, ...nodes.flatMap((node) => node.inputs)]);
  const emitter = new Emitter(used, locate, named);
  for (const node of nodes) {
    const output = node.outputs.find((one) => used.has(one));
    if (output) emitter.nameOf(output);
  }
  const results = Object.entries(outputs).map(([name, tensor]) => {
    emitter.nodes.push(
      create(NodeProtoSchema, {
        opType: 'Identity',
        ...(named ? { name: nodeName({ part: 'outputs', pass: tensor.node.scope.pass }, name) } : {}),
        input: [emitter.nameOf(tensor)],
        output: [name],
      }),
    );
    return valueInfo(name, tensor.shape, tensor.dataType);
  });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'lifealign',
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: '', version: operatorSet }),
      create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
    ],
    graph: create(GraphProtoSchema, {
      name: 'lifealign',
      node: emitter.nodes,
      initializer: [...emitter.initializers.values()],
      input: [...emitter.inputs.values()],
      output: results,
      valueInfo: [...emitter.typesBetween()],
    }),
  });
  return { bytes: toBinary(ModelProtoSchema, model), inputs: [...emitter.inputs.keys()] };
}
