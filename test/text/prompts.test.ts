/** Prompts that answers are generated to. */
import { expect, it } from 'vitest';
import { encodePrompts } from '../../src/text/prompts.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { writeModelFolder } from './tiny-model.ts';

const folder = useTemporaryCache();

it('a prompt that the template makes nothing of is invalid, its row named', async () => {
  await writeModelFolder(folder(), {
    config: { chat_template: "{% if messages[0].content != 'x' %}[u]{% endif %}" },
  });
  const model = await loadTextModel(folder());
  const rows = ['y', 'x'].map((content, index) => ({
    index,
    prompt: [{ role: 'user' as const, content }],
  }));
  const options = { file: 'f.json', maxPositions: 9 };
  expect(() => encodePrompts(rows, model, { ...options, invalidRows: 'error' })).toThrow(
    /f\.json, row 2, field "prompt": the chat template makes no text of it/,
  );
  expect(encodePrompts(rows, model, { ...options, invalidRows: 'skip' })).toMatchObject({
    kept: [0],
    skipped: [{ row: 2, field: 'prompt' }],
  });
});
