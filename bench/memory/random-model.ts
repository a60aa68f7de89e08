/** Models of random weights and any number of layers, for what depends on that number alone. */
import { join } from 'node:path';
import { Random } from '../../src/index.ts';
import { parseDecoderConfig } from '../../src/model/config.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import { writeSafetensors } from '../../src/model/weights/safetensors-writer.ts';
import { makeFolder, writeJsonFile } from '../../src/support/atomic-file.ts';

export const HIDDEN = 256;

/** Writes a Llama of `layers` layers into a folder, which it returns. */
export async function writeRandomModel(parent: string, layers: number): Promise<string> {
  const folder = join(parent, `${layers}-layers`);
  const content = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: HIDDEN,
    intermediate_size: 3 * HIDDEN,
    num_hidden_layers: layers,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 1024,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    hidden_act: 'silu',
  };
  await makeFolder(folder);
  await writeJsonFile(join(folder, 'config.json'), content);
  const config = parseDecoderConfig(content, 'config.json');
  const random = Random.fromSeed(layers);
  const tensors = [...expectedTensors(config)].map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const isNorm = shape.length === 1;
    for (let at = 0; at < data.length; at++) data[at] = isNorm ? 1 : 0.04 * (random.uniform() - 0.5);
    return { name, shape, data };
  });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}
