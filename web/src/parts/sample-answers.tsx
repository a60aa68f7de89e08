/** What a version and its parent answer to prompts that neither was trained on: asked when somebody wants to know. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { Sample, VersionDetail } from '../../../src/service/memories/schema.ts';
import { chat, type Turn } from '../api/chat.ts';
import { readList } from '../api/client.ts';
import { useSession } from '../session.ts';
import { Notice } from './notice.tsx';
import { textOf, Words } from './words.tsx';

interface SampleAnswersProps {
  readonly memory: string;
  readonly detail: VersionDetail;
  readonly parent: number;
}

interface Asked {
  readonly sample: Sample;
  readonly before: string | null;
  readonly after: string | null;
}

const SETTINGS = { temperature: 0, maxTokens: 96, keep: false };

export function SampleAnswers({ memory, detail, parent }: SampleAnswersProps) {
  const { may } = useSession();
  const [rows, setRows] = useState<readonly Asked[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const ended = useRef(new AbortController());
  useEffect(() => () => ended.current.abort(), []);

  const run = async () => {
    const { signal } = ended.current;
    setBusy(true);
    setProblem(null);
    try {
      const address = `/v1/memories/${encodeURIComponent(memory)}/versions/${detail.version}/samples`;
      const samples = await readList<Sample>(address, signal);
      let asked: readonly Asked[] = samples.map((sample) => ({ sample, before: null, after: null }));
      setRows(asked);
      for (const [at, { prompt }] of samples.entries()) {
        const answer = (model: string) => chat(model, prompt as Turn[], SETTINGS, () => {}, signal);
        const [before, after] = await Promise.all([answer(`${memory}@v${parent}`), answer(detail.model)]);
        asked = asked.with(at, { sample: samples[at]!, before: before.text, after: after.text });
        setRows(asked);
      }
    } catch (error) {
      if (signal.aborted) return;
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };

  return (
    <section class="card">
      <h2>Sample answers, before and after</h2>
      <p class="note">Two prompts of each task that nothing was trained on; private tasks are left out.</p>
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {may('chat') ? (
        <button type="button" disabled={busy} onClick={run}>
          {busy ? 'Asking …' : `Ask versions ${parent} and ${detail.version}`}
        </button>
      ) : (
        <p class="note">A key with the role chat may ask.</p>
      )}
      {rows && rows.length > 0 && (
        <ScrollBox label="sample answers">
          <table class="answers">
            <thead>
              <tr>
                <th scope="col">prompt</th>
                <th scope="col">version {parent}</th>
                <th scope="col">version {detail.version}</th>
                <th scope="col">preferred</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ sample, before, after }, at) => (
                <tr key={at}>
                  <th scope="row">
                    <span class="chip">
                      <bdi>{sample.task}</bdi>
                    </span>
                    <Words text={lastText(sample.prompt)} />
                  </th>
                  <td>{before === null ? '…' : <Words text={before} />}</td>
                  <td class={before !== null && before !== after ? 'changed' : undefined}>
                    {after === null ? '…' : <Words text={after} />}
                  </td>
                  <td>
                    <Words text={sample.preferred} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollBox>
      )}
    </section>
  );
}

function lastText(prompt: readonly unknown[]): string {
  return textOf((prompt.at(-1) as { content?: unknown } | undefined)?.content ?? '');
}
