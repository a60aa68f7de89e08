/**
 * The order of query and key rows in GGUF files of the `llama` architecture, on the way in (convert.ts) and out
 * (lora.ts).
 *
 * Rotary position embedding turns pairs of numbers of a head: Hugging Face pairs number i with number
 * i + size/2, Llama's original code pairs neighbours 2i and 2i + 1. GGUF keeps the `llama` architecture's query and
 * key rows in the second order. Other architectures are stored as Hugging Face has them.
 */

/** Whether this module's rows are in the other order. */
export function isReordered(architecture: string, module: string): boolean {
  return architecture === 'llama' && (module === 'attn_q' || module === 'attn_k');
}

/** The row of a query or key matrix in Hugging Face's layout that is row `row` of the GGUF file. */
export function huggingFaceRow(row: number, headSize: number): number {
  const within = row % headSize;
  return row - within + (within % 2) * (headSize / 2) + (within >> 1);
}
