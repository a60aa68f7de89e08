/**
 * Several ONNX models as one, which has what they have in common once: weights above all. The runtime maps the
 * weights of every session by itself, so graphs that take turns need a session together, or a mapping each.
 *
 * A member is the branch of an `If` and sees the inputs and weights around it; its other branch gives empty results:
 *
 *     choose.0 ─→ If(member 0, nothing) ─→ results of member 0, by the names 0/...
 *     choose.1 ─→ If(member 1, nothing) ─→ results of member 1, by the names 1/...
 */
import { create, fromBinary, isMessage, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { DataType } from '../tensor.ts';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType as TensorDataType,
  type TensorProto,
  TensorProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';

export interface JoinedMember {
  /** Of the inputs those that it reads. */
  readonly inputs: readonly string[];
  /** Its results' names in the joined model, by their own. */
  readonly outputs: ReadonlyMap<string, string>;
}

export interface JoinedModel {
  readonly bytes: Uint8Array;
  readonly members: readonly JoinedMember[];
  /** Inputs that not all members read, with what a run of others has to give, of any shape. */
  readonly partial: ReadonlyMap<string, DataType>;
}

const NOTHING = 'nothing';

/** The input that says whether a member is to be computed: bool, one number. */
export const choiceName = (member: number): string => `choose.${member}`;

const resultName = (member: number, output: string): string => `${member}/${output}`;

/** @param models with equal inputs and weights under equal names, as those are that one program emits */
export function joinModels(models: readonly Uint8Array[]): JoinedModel {
  const parts = models.map(takeApart);
  const graphs = parts.map(({ outer }) => outer);
  const { inputs, partial } = joinInputs(graphs);
  const weights = new Map(graphs.flatMap(({ initializer }) => initializer.map((one) => [one.name, one])));
  const around = create(GraphProtoSchema, {
    name: 'joined',
    initializer: [...weights.values(), emptyTensor()],
    input: [...inputs, ...graphs.map((_, member) => valueInfo(choiceName(member), TensorDataType.BOOL))],
    // Their shapes depend on what is chosen.
    output: graphs.flatMap(({ output }, member) =>
      output.map(({ name }) => valueInfo(resultName(member, name), TensorDataType.FLOAT)),
    ),
  });
  const choices = parts.map((part, member) => field(GraphProtoSchema.field.node, choice(part, member)));
  const graph = together([toBinary(GraphProtoSchema, around), ...choices]);
  const { header } = parts[0]!;
  return {
    bytes: together([toBinary(ModelProtoSchema, header), field(ModelProtoSchema.field.graph, graph)]),
    members: graphs.map(({ input, output }, member) => ({
      inputs: input.map(({ name }) => name),
      outputs: new Map(output.map(({ name }) => [name, resultName(member, name)])),
    })),
    partial,
  };
}

/** A model of which the larger part stays as it is encoded. */
interface Parts {
  /** All but the graph. */
  readonly header: ModelProto;
  /** Of the graph inputs, outputs and weights. */
  readonly outer: GraphProto;
  /** The graph without inputs and weights, which it sees from around it; encoded. */
  readonly branch: Uint8Array;
}

/** A large graph's nodes are megabytes, which would be a hundred as objects. */
function takeApart(model: Uint8Array): Parts {
  const { graph: graphField } = ModelProtoSchema.field;
  const { node, valueInfo: between, initializer, output } = GraphProtoSchema.field;
  const top = fieldsOf(model);
  const rest = top.filter(({ number }) => number !== graphField.number).map(({ bytes }) => bytes);
  const [encoded] = top.filter(({ number }) => number === graphField.number);
  const fields = fieldsOf(encoded!.content);
  const isInside = ({ number }: Field) => number === node.number || number === between.number;
  const outside = fields.filter((one) => !isInside(one)).map(({ bytes }) => bytes);
  const outer = fromBinary(GraphProtoSchema, together(outside));
  const isWeight = ({ dataLocation }: TensorProto) => dataLocation === DataLocation.EXTERNAL;
  const constants = outer.initializer.filter((one) => !isWeight(one));
  return {
    header: fromBinary(ModelProtoSchema, together(rest)),
    outer: create(GraphProtoSchema, { ...outer, initializer: outer.initializer.filter(isWeight) }),
    branch: together([
      toBinary(GraphProtoSchema, create(GraphProtoSchema, { name: outer.name })),
      ...fields.filter(isInside).map(({ bytes }) => bytes),
      ...constants.map((one) => field(initializer, toBinary(TensorProtoSchema, one))),
      ...outer.output.map((one) => field(output, toBinary(ValueInfoProtoSchema, one))),
    ]),
  };
}

interface Field {
  readonly number: number;
  /** The whole field. */
  readonly bytes: Uint8Array;
  /** What follows tag and length. */
  readonly content: Uint8Array;
}

/** A message's fields as they are encoded, in their order. */
function fieldsOf(message: Uint8Array): readonly Field[] {
  const reader = new BinaryReader(message);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    const content = type === WireType.LengthDelimited ? reader.bytes() : reader.skip(type, number);
    fields.push({ number, bytes: message.subarray(start, reader.pos), content });
  }
  return fields;
}

/** A message as a field of another. */
function field({ number }: { readonly number: number }, message: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(message).finish();
}

/** Encoded parts of a message one after another are the message. */
function together(parts: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const part of parts) writer.raw(part);
  return writer.finish();
}

/** Every input once. One that is not all members' has no shape, so that anything can be given where it is not read. */
function joinInputs(graphs: readonly GraphProto[]): {
  readonly inputs: readonly ValueInfoProto[];
  readonly partial: ReadonlyMap<string, DataType>;
} {
  const found = new Map<string, ValueInfoProto[]>();
  for (const one of graphs.flatMap(({ input }) => input)) {
    found.set(one.name, [...(found.get(one.name) ?? []), one]);
  }
  const partial = new Map<string, DataType>();
  const inputs = [...found].map(([name, declared]) => {
    const [first] = declared as [ValueInfoProto];
    const type = elementType(first);
    if (declared.length < graphs.length) partial.set(name, dataTypes.get(type)!);
    const bytes = declared.map((one) => toBinary(ValueInfoProtoSchema, one).join());
    const agreed = declared.length === graphs.length && new Set(bytes).size === 1;
    return agreed ? first : valueInfo(name, type);
  });
  return { inputs, partial };
}

/** An `If` node, encoded. */
function choice({ outer: { output }, branch }: Parts, member: number): Uint8Array {
  const nothing = create(GraphProtoSchema, {
    name: NOTHING,
    node: output.map(({ name }) =>
      create(NodeProtoSchema, { opType: 'Identity', input: [NOTHING], output: [name] }),
    ),
    output: output.map((one) => valueInfo(one.name, elementType(one))),
  });
  const node = create(NodeProtoSchema, {
    opType: 'If',
    input: [choiceName(member)],
    output: output.map(({ name }) => resultName(member, name)),
  });
  const attribute = (name: string, graph: Uint8Array) =>
    field(
      NodeProtoSchema.field.attribute,
      together([
        toBinary(AttributeProtoSchema, create(AttributeProtoSchema, { name, type: AttributeType.GRAPH })),
        field(AttributeProtoSchema.field.g, graph),
      ]),
    );
  return together([
    toBinary(NodeProtoSchema, node),
    attribute('then_branch', branch),
    attribute('else_branch', toBinary(GraphProtoSchema, nothing)),
  ]);
}

function emptyTensor(): TensorProto {
  return create(TensorProtoSchema, { name: NOTHING, dims: [0n], dataType: TensorDataType.FLOAT });
}

const dataTypes: ReadonlyMap<TensorDataType, DataType> = new Map([
  [TensorDataType.FLOAT, 'float32'],
  [TensorDataType.INT64, 'int64'],
  [TensorDataType.INT8, 'int8'],
  [TensorDataType.BOOL, 'bool'],
]);

function elementType({ type }: ValueInfoProto): TensorDataType {
  const tensor = type?.value.value;
  if (!isMessage(tensor, TypeProto_TensorSchema)) throw new Error('a graph takes and gives tensors alone');
  return tensor.elemType;
}

/** Of any shape. */
function valueInfo(name: string, elemType: TensorDataType): ValueInfoProto {
  const tensorType = create(TypeProto_TensorSchema, { elemType });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } }),
  });
}
