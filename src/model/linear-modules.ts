/** The linear layers of a decoder: what LoRA targets can name. */
import type { DecoderConfig } from './config.ts';
import type { LinearModule } from './lora-modules.ts';

/** Every linear layer inside the decoder's blocks, layer by layer; the head and embeddings are not among them. */
export function linearModules(config: DecoderConfig): LinearModule[] {
  const { hiddenSize, intermediateSize, heads, keyValueHeads, headSize } = config;
  type Shape = readonly [name: string, inFeatures: number, outFeatures: number];
  const attention: readonly Shape[] = config.fusedProjections
    ? [['self_attn.qkv_proj', hiddenSize, (heads + 2 * keyValueHeads) * headSize]]
    : [
        ['self_attn.q_proj', hiddenSize, heads * headSize],
        ['self_attn.k_proj', hiddenSize, keyValueHeads * headSize],
        ['self_attn.v_proj', hiddenSize, keyValueHeads * headSize],
      ];
  const mlp: readonly Shape[] = config.fusedProjections
    ? [['mlp.gate_up_proj', hiddenSize, 2 * intermediateSize]]
    : [
        ['mlp.gate_proj', hiddenSize, intermediateSize],
        ['mlp.up_proj', hiddenSize, intermediateSize],
      ];
  const shapes: readonly Shape[] = [
    ...attention,
    ['self_attn.o_proj', heads * headSize, hiddenSize],
    ...mlp,
    ['mlp.down_proj', intermediateSize, hiddenSize],
  ];
  return Array.from({ length: config.layers }, (_, layer) =>
    shapes.map(([name, inFeatures, outFeatures]) => ({
      path: `model.layers.${layer}.${name}`,
      inFeatures,
      outFeatures,
    })),
  ).flat();
}
