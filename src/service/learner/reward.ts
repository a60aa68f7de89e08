/** How a version's implicit reward places two answers: the margin of eval/preference.ts, of a single pair. */
import { rewardMargin, rowScores } from '../../eval/preference.ts';
import { encodeRows } from '../../text/segments.ts';
import type { BaseModel } from '../../train/base-model.ts';
import { messagesOf } from '../chat/settings.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { Answering } from './answering.ts';
import { promptSchema } from './rows.ts';

export function implicitReward(
  { engine, text, model }: Pick<BaseModel, 'engine' | 'text' | 'model'>,
  registry: ModelRegistry,
): Answering['reward'] {
  return async (name, messages, one, other) => {
    const adapter = await registry.resolve(name)?.adapter();
    const parsed = promptSchema.safeParse(messages);
    if (!adapter || !parsed.success) return null;
    const row = { index: 0, prompt: messagesOf({ messages: parsed.data }), chosen: one, rejected: other };
    const { encoded } = encodeRows([row], text, {
      ...{ file: name, maxLength: model.config.maxPositions, invalidRows: 'skip' },
    });
    const [pair] = encoded;
    if (pair === undefined) return null;
    const counted = { index: 0, chosenTokens: pair.chosen.length, rejectedTokens: pair.rejected.length };
    const [score] = rowScores(
      [counted],
      await engine.score(encoded, adapter),
      await engine.score(encoded, null),
    );
    return rewardMargin(score!);
  };
}
