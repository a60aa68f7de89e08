/** How the torch engine computes and on what, as a run's config or the command line says it. */
import * as z from 'zod';

const settings = z.strictObject({
  name: z.literal('torch'),
  /** Of the base's weights and of activations; LoRA matrices and their gradients stay float32 on the host. */
  dtype: z.enum(['float32', 'bfloat16']).default('float32'),
  /**
   * Of the linear weights in the base's layers, by bitsandbytes: 4 bits (`nf4`, double quantization) or 8 (`int8`).
   * Products stay in `dtype`, and so does everything else of the base.
   */
  quantization: z.enum(['none', 'nf4', 'int8']).default('none'),
  /** `auto`: a GPU where torch finds one. */
  device: z.enum(['auto', 'cpu', 'cuda']).default('auto'),
  /** Processes, each with a device of its own, or its share of the processor. */
  ranks: z.int().min(1).max(1024).default(1),
  /** `ddp`: every rank holds the whole base; `fsdp`: its layers are shared out. */
  parallel: z.enum(['ddp', 'fsdp']).default('ddp'),
  /** `segments`: a product for each segment; `flex`: FlexAttention; `auto`: that on a GPU, else segments. */
  attention: z.enum(['auto', 'segments', 'flex']).default('auto'),
  /** The backward pass computes layers again instead of keeping what they computed. */
  gradient_checkpointing: z.boolean().default(false),
  /** Packed tokens up to which rows are put in one micro-batch of a rank. */
  micro_batch_tokens: z.int().positive().default(1024),
  /** Lets Python code that lies in the model's folder run. */
  trust_remote_code: z.boolean().default(false),
  /** What starts the ranks instead of torchrun on this machine, for example `[srun, torchrun, --nnodes=2]`. */
  launch: z.array(z.string().min(1)).min(1).nullable().default(null),
});

export const torchSettings = settings.refine(
  ({ quantization, parallel }) => quantization === 'none' || parallel === 'ddp',
  {
    path: ['quantization'],
    error: 'nf4 and int8 are not supported with parallel: fsdp, which shares out whole weights; expected ddp',
  },
);

/** With every default filled in. */
export type TorchSettings = z.output<typeof torchSettings>;
/** As users give them. */
export type TorchSettingsInput = z.input<typeof torchSettings>;
