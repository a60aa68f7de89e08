/** How much memory activations take by the number of layers, kept or computed again layer by layer. */
import { type Measured, measureNode } from '../shared/child.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { writeRandomModel } from './random-model.ts';
import type { MemoryReport, MemoryRequest } from './request.ts';

const GRADIENT = new URL('gradient.ts', import.meta.url);
/** What a process takes but for activations is measured with so few. */
const FEW_TOKENS = 48;

export const MODES = ['nothing', 'layers'] as const;
export type Mode = (typeof MODES)[number];

export interface LayerMemory {
  readonly layers: number;
  /** Bytes for every packed token beyond the few, graph and weights taken off. */
  readonly bytesPerToken: Readonly<Record<Mode, number>>;
}

/** @param tokens of a pair in all, the prompt once */
export function measureLayers(
  counts: readonly number[],
  tokens: number,
  threads: number,
): Promise<readonly LayerMemory[]> {
  return withScratchFolder(async (folder) => {
    const results: LayerMemory[] = [];
    for (const layers of counts) {
      const model = await writeRandomModel(folder, layers);
      const bytesPerToken = { nothing: 0, layers: 0 };
      for (const recompute of MODES) {
        const [few, many] = [
          await anonymousBytes({ model, ...pairOf(FEW_TOKENS), recompute, threads }),
          await anonymousBytes({ model, ...pairOf(tokens), recompute, threads }),
        ];
        bytesPerToken[recompute] = (many - few) / (tokens - FEW_TOKENS);
        const kilobytes = (bytesPerToken[recompute] / 1e3).toFixed(1);
        process.stderr.write(`${layers} layers, ${nameOf(recompute)}: ${kilobytes} KB a token\n`);
      }
      results.push({ layers, bytesPerToken });
    }
    return results;
  });
}

export function nameOf(mode: Mode): string {
  return mode === 'nothing' ? 'activations kept' : 'layers computed again';
}

/** A third each. */
function pairOf(tokens: number): { readonly prompt: number; readonly response: number } {
  const response = Math.floor(tokens / 3);
  return { prompt: tokens - 2 * response, response };
}

async function anonymousBytes(request: MemoryRequest): Promise<number> {
  const { peakAnonymousBytes, peakResidentBytes }: Measured<MemoryReport> = await measureNode(
    GRADIENT,
    request,
  );
  return peakAnonymousBytes ?? peakResidentBytes;
}

/** Bytes that a token takes for one further layer: the slope between the first and the last number of layers. */
export function bytesPerLayer(results: readonly LayerMemory[], mode: Mode): number {
  const [first, last] = [results[0]!, results.at(-1)!];
  return (last.bytesPerToken[mode] - first.bytesPerToken[mode]) / (last.layers - first.layers);
}
