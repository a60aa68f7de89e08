/**
 * Soft prompts in a packed batch: ids from the vocabulary's size on stand for rows of the adapter's soft prompts,
 * and a prompt begins with them. Which ones is decided above (prompted-engine.ts); all that engines share is here.
 */
import { type Adapter, SOFT_PROMPTS } from '../model/adapter.ts';

/**
 * @throws {RangeError} for a token that is neither in the vocabulary nor a soft prompt's, and for a prompt without
 *   any where the adapter has them: it would be computed as if there were no adapter.
 */
export function checkSoftTokens(
  prompts: readonly Int32Array[],
  adapter: Adapter | null,
  vocabularySize: number,
): void {
  const soft = adapter?.tensors.get(SOFT_PROMPTS)?.shape[0] ?? 0;
  for (const [row, prompt] of prompts.entries()) {
    const beyond = prompt.find((token) => token < 0 || token >= vocabularySize + soft);
    if (beyond !== undefined) {
      const known = `${vocabularySize} tokens and ${soft} rows of soft prompts`;
      throw new RangeError(`prompt ${row + 1} has the token ${beyond}; there are ${known}`);
    }
    if (soft > 0 && prompt.length > 0 && prompt[0]! < vocabularySize) {
      throw new RangeError(`prompt ${row + 1} begins with no soft prompt: use the engine by withPromptPools`);
    }
  }
}
