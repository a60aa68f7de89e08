import { describe, expect, it } from 'vitest';
import { encodePrompt } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { userTurn } from '../../src/text/user-turn.ts';

describe('a user turn', () => {
  it('with its text between beginning and end is the prompt that the template writes', async () => {
    const model = await loadTextModel('models/tiny');
    const { before, after } = userTurn(model);
    const text = 'How much is the red belt?';
    const whole = encodePrompt([{ role: 'user', content: text }], model);
    expect([...before, ...model.tokenizer.encode(text), ...after]).toEqual([...whole]);
  });

  it('is refused where the template does not write the text once, as it is', async () => {
    const model = await loadTextModel('models/tiny');
    const rendering = (render: (content: string) => string) => ({
      ...model,
      template: { ...model.template, render: ([message]: { content: string }[]) => render(message!.content) },
    });
    const refused = (render: (content: string) => string) =>
      expect(() => userTurn(rendering(render) as unknown as typeof model)).toThrow(
        /the chat template does not write/,
      );
    refused((content) => `user: ${content}`);
    refused((content) => `${content} then`);
    refused((content) => `user: ${content} ${content} then`);
    refused((content) => `user: ${content.toLowerCase()} then`);
  });
});
