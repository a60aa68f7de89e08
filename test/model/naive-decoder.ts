/**
 * The decoder of Llama, and Gemma 3's, once more, written as plainly as can be: one sequence at a time, a loop over
 * positions, a full softmax over everything that is seen. It shares no code with the graph.
 */
import type { LoraAdapter } from '../../src/model/adapter.ts';
import type { DecoderConfig } from '../../src/model/config.ts';
import type { Value } from '../../src/tensor/operation.ts';

type Vector = readonly number[];

export function naiveLogProb(
  config: DecoderConfig,
  weights: ReadonlyMap<string, Value>,
  adapter: LoraAdapter | null,
  prompt: ArrayLike<number>,
  response: ArrayLike<number>,
): number {
  const tokens = [...Array.from(prompt), ...Array.from(response)];
  const logits = naiveLogits(config, weights, adapter, tokens);
  let total = 0;
  for (let position = prompt.length; position < tokens.length; position++) {
    const before = logits[position - 1] as Vector;
    const partition = before.reduce((sum, logit) => sum + Math.exp(logit), 0);
    total += (before[tokens[position] as number] as number) - Math.log(partition);
  }
  return total;
}

/** Logits of what follows each of the tokens. */
export function naiveLogits(
  config: DecoderConfig,
  weights: ReadonlyMap<string, Value>,
  adapter: LoraAdapter | null,
  tokens: readonly number[],
): readonly Vector[] {
  const { heads, keyValueHeads, headSize, layers, sliding } = config;
  const row = (name: string, index: number): Vector => {
    const { shape, data } = weights.get(name) as Value;
    const width = shape[1] as number;
    return [...data.slice(index * width, (index + 1) * width)];
  };
  const vector = (name: string): Vector => [...(weights.get(name) as Value).data];
  const multiply = (shape: readonly number[], data: ArrayLike<number>, x: Vector): Vector =>
    Array.from({ length: shape[0] as number }, (_, out) =>
      x.reduce((sum, value, at) => sum + value * (data[out * x.length + at] as number), 0),
    );
  const linear = (path: string, x: Vector): Vector => {
    const { shape, data } = weights.get(`${path}.weight`) as Value;
    const bias = weights.has(`${path}.bias`) ? vector(`${path}.bias`) : [];
    const lora = (side: string) => adapter?.tensors.get(`base_model.model.${path}.lora_${side}.weight`);
    const [a, b] = [lora('A'), lora('B')];
    const added = a && b ? multiply(b.shape, b.data, multiply(a.shape, a.data, x)) : [];
    const scaling = adapter ? adapter.settings.alpha / adapter.settings.rank : 0;
    return multiply(shape, data, x).map((y, at) => y + (bias[at] ?? 0) + scaling * (added[at] ?? 0));
  };
  const norm = (name: string, x: Vector): Vector => {
    const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    const gain = vector(`${name}.weight`);
    const offset = config.centredNorms ? 1 : 0;
    return x.map(
      (value, at) => (value / Math.sqrt(mean + config.normEpsilon)) * (offset + (gain[at] as number)),
    );
  };
  const headNorm = (name: string, x: Vector): Vector =>
    config.headNorms
      ? Array.from({ length: x.length / headSize }, (_, head) =>
          norm(name, x.slice(head * headSize, (head + 1) * headSize)),
        ).flat()
      : x;
  const activate = (gate: number): number =>
    config.activation === 'gelu'
      ? (gate / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (gate + 0.044715 * gate ** 3)))
      : gate / (1 + Math.exp(-gate));
  const rotate = (x: Vector, position: number, frequencies: Vector): Vector =>
    x.map((value, at) => {
      const inHead = at % headSize;
      const half = headSize / 2;
      const angle = position * (frequencies[inHead % half] as number);
      const partner = inHead < half ? -(x[at + half] as number) : (x[at - half] as number);
      // The graph's tables are float32.
      return value * Math.fround(Math.cos(angle)) + partner * Math.fround(Math.sin(angle));
    });

  const embedded = (token: number) =>
    row('model.embed_tokens.weight', token).map((value) => value * (config.embeddingScale ?? 1));
  let states: Vector[] = tokens.map(embedded);
  for (let layer = 0; layer < layers; layer++) {
    const path = `model.layers.${layer}`;
    const near = sliding?.layers.includes(layer) ? sliding : null;
    const frequencies = naiveFrequencies(near ? { ...config, rope: near.rope } : config);
    const normed = states.map((x) => norm(`${path}.input_layernorm`, x));
    const [queries, keys] = ['q', 'k'].map((side) =>
      normed.map((x, position) => {
        const projected = linear(`${path}.self_attn.${side}_proj`, x);
        return rotate(headNorm(`${path}.self_attn.${side}_norm`, projected), position, frequencies);
      }),
    ) as [Vector[], Vector[]];
    const values = normed.map((x) => linear(`${path}.self_attn.v_proj`, x));
    states = states.map((x, position) => {
      const mixed: number[] = [];
      // It sees itself, and of those before it the nearest, as many as the window has room for.
      const first = near ? Math.max(0, position + 1 - near.size) : 0;
      for (let head = 0; head < heads; head++) {
        const from = Math.floor(head / (heads / keyValueHeads)) * headSize;
        const query = (queries[position] as Vector).slice(head * headSize, (head + 1) * headSize);
        const scores = keys.slice(first, position + 1).map((key) => {
          const dot = query.reduce((sum, value, at) => sum + value * (key[from + at] as number), 0);
          return Math.exp(dot * (config.attentionScale ?? 1 / Math.sqrt(headSize)));
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        for (let at = 0; at < headSize; at++) {
          mixed.push(
            scores.reduce(
              (sum, score, other) => sum + (score / total) * (values[first + other]?.[from + at] as number),
              0,
            ),
          );
        }
      }
      const output = linear(`${path}.self_attn.o_proj`, mixed);
      return add(x, config.sandwichNorms ? norm(`${path}.post_attention_layernorm`, output) : output);
    });
    states = states.map((x) => {
      const before = config.sandwichNorms ? 'pre_feedforward' : 'post_attention';
      const inner = norm(`${path}.${before}_layernorm`, x);
      const up = linear(`${path}.mlp.up_proj`, inner);
      const gated = linear(`${path}.mlp.gate_proj`, inner).map(
        (gate, at) => activate(gate) * (up[at] as number),
      );
      const down = linear(`${path}.mlp.down_proj`, gated);
      return add(x, config.sandwichNorms ? norm(`${path}.post_feedforward_layernorm`, down) : down);
    });
  }
  const head = weights.get(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight') as Value;
  return states.map((x) => multiply(head.shape, head.data, norm('model.norm', x)));
}

function add(a: Vector, b: Vector): Vector {
  return a.map((value, at) => value + (b[at] as number));
}

/** Radians per position; for llama3 as Llama 3.1's reference code slows long wavelengths down. */
export function naiveFrequencies({ rope, headSize }: DecoderConfig): Vector {
  return Array.from({ length: headSize / 2 }, (_, pair) => {
    const frequency = 1 / rope.theta ** ((2 * pair) / headSize);
    if (rope.type === 'default') return frequency;
    // Turns within the original context: many are kept, few are slowed down by the factor.
    const turns = (rope.originalMaxPositions * frequency) / (2 * Math.PI);
    const kept = (turns - rope.lowFrequencyFactor) / (rope.highFrequencyFactor - rope.lowFrequencyFactor);
    const weight = Math.min(1, Math.max(0, kept));
    return weight * frequency + (1 - weight) * (frequency / rope.factor);
  });
}
