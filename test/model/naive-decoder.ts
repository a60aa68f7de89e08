/**
 * The Llama decoder once more, written as plainly as can be: one sequence at a time, a loop over positions,
 * a full softmax over everything before. It shares no code with the graph.
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
  const { heads, keyValueHeads, headSize, layers } = config;
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
    return x.map((value, at) => (value / Math.sqrt(mean + config.normEpsilon)) * (gain[at] as number));
  };
  const rotate = (x: Vector, position: number): Vector => {
    const frequencies = naiveFrequencies(config);
    return x.map((value, at) => {
      const inHead = at % headSize;
      const half = headSize / 2;
      const angle = position * (frequencies[inHead % half] as number);
      const partner = inHead < half ? -(x[at + half] as number) : (x[at - half] as number);
      // The graph's tables are float32.
      return value * Math.fround(Math.cos(angle)) + partner * Math.fround(Math.sin(angle));
    });
  };

  const tokens = [...Array.from(prompt), ...Array.from(response)];
  let states = tokens.map((token) => row('model.embed_tokens.weight', token));
  for (let layer = 0; layer < layers; layer++) {
    const path = `model.layers.${layer}`;
    const normed = states.map((x) => norm(`${path}.input_layernorm`, x));
    const [queries, keys] = ['q_proj', 'k_proj'].map((name) =>
      normed.map((x, position) => rotate(linear(`${path}.self_attn.${name}`, x), position)),
    ) as [Vector[], Vector[]];
    const values = normed.map((x) => linear(`${path}.self_attn.v_proj`, x));
    states = states.map((x, position) => {
      const mixed: number[] = [];
      for (let head = 0; head < heads; head++) {
        const from = Math.floor(head / (heads / keyValueHeads)) * headSize;
        const query = (queries[position] as Vector).slice(head * headSize, (head + 1) * headSize);
        const scores = keys.slice(0, position + 1).map((key) => {
          const dot = query.reduce((sum, value, at) => sum + value * (key[from + at] as number), 0);
          return Math.exp(dot / Math.sqrt(headSize));
        });
        const total = scores.reduce((sum, score) => sum + score, 0);
        for (let at = 0; at < headSize; at++) {
          mixed.push(
            scores.reduce(
              (sum, score, other) => sum + (score / total) * (values[other]?.[from + at] as number),
              0,
            ),
          );
        }
      }
      return add(x, linear(`${path}.self_attn.o_proj`, mixed));
    });
    states = states.map((x) => {
      const inner = norm(`${path}.post_attention_layernorm`, x);
      const up = linear(`${path}.mlp.up_proj`, inner);
      const gated = linear(`${path}.mlp.gate_proj`, inner).map(
        (gate, at) => (gate / (1 + Math.exp(-gate))) * (up[at] as number),
      );
      return add(x, linear(`${path}.mlp.down_proj`, gated));
    });
  }
  const head = weights.get(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight') as Value;
  let total = 0;
  for (let position = prompt.length; position < tokens.length; position++) {
    const logits = multiply(head.shape, head.data, norm('model.norm', states[position - 1] as Vector));
    const partition = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    total += (logits[tokens[position] as number] as number) - Math.log(partition);
  }
  return total;
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
