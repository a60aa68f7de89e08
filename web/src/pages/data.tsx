/** A file of preference rows, checked by the service before anything is trained on it. */
import { useState } from 'preact/hooks';
import { ScrollBox } from '../../../src/eval/report/page/scroll-box.tsx';
import type { DataCheck } from '../../../src/service/data/schema.ts';
import { ask } from '../api/client.ts';
import { Facts } from '../parts/facts.tsx';
import { Notice } from '../parts/notice.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { Conversation, Words } from '../parts/words.tsx';

export function DataPage() {
  const [name, setName] = useState<string | null>(null);
  const [found, setFound] = useState<DataCheck | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const check = async (file: File | undefined) => {
    if (file === undefined || busy) return;
    setName(file.name);
    setFound(null);
    setProblem(null);
    setBusy(true);
    try {
      setFound((await (await ask('/v1/data/check', { file })).json()) as DataCheck);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };

  return (
    <>
      <PageHeading title="Data" />
      <section
        class="card drop"
        aria-label="Check a file"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void check(event.dataTransfer?.files[0]);
        }}
      >
        <label>
          Preference rows as JSON, JSONL, CSV or Parquet
          <input type="file" onChange={(event) => void check(event.currentTarget.files?.[0])} />
        </label>
        <p class="note">The file is looked at by the service and deleted; nothing is learned from it here.</p>
      </section>
      {busy && <Notice kind="plain">Checking …</Notice>}
      {problem !== null && <Notice kind="bad">{problem}</Notice>}
      {found && <Report name={name ?? ''} found={found} />}
    </>
  );
}

function Report({ name, found }: { readonly name: string; readonly found: DataCheck }) {
  const { count, valid, invalid, duplicates, characters, preview } = found;
  const isGood = valid > 0 && invalid.count === 0;
  return (
    <>
      <section class="card">
        <h2>
          <bdi>{name}</bdi>
        </h2>
        <Notice kind={isGood ? 'good' : 'bad'}>
          {valid} of {count} records are valid rows
          {invalid.count > 0 ? `; ${invalid.count} have a problem` : ''}.
        </Notice>
        <Facts
          facts={[
            ['format', found.format],
            ['rows', `${found.rows} (${found.recognised_by})`],
            ['rows that stand there twice', duplicates.rows],
            ['prompts that stand there twice', duplicates.prompts],
            ...(['prompt', 'chosen', 'rejected'] as const).map((part) => {
              const lengths = characters[part];
              const text = lengths ? `${lengths.p50}, at most ${lengths.max}` : '-';
              return [`characters of ${part}, median`, text] as const;
            }),
            ['SHA-256', <code key="hash">{found.sha256.slice(0, 16)}…</code>],
          ]}
        />
      </section>
      {invalid.count > 0 && (
        <section class="card">
          <h2>Problems</h2>
          <ScrollBox label="problems">
            <table class="grid">
              <thead>
                <tr>
                  <th scope="col">row</th>
                  <th scope="col" class="text">
                    field
                  </th>
                  <th scope="col" class="text">
                    problem
                  </th>
                </tr>
              </thead>
              <tbody>
                {invalid.first.map(({ row, field, problem }) => (
                  <tr key={row}>
                    <th scope="row">{row}</th>
                    <td class="text">
                      <bdi>{field}</bdi>
                    </td>
                    <td class="text">
                      <bdi>{problem}</bdi>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollBox>
          {invalid.count > invalid.first.length && (
            <p class="note">
              The first {invalid.first.length} of {invalid.count}.
            </p>
          )}
        </section>
      )}
      {preview.length > 0 && (
        <section class="card">
          <h2>The first rows as they were read</h2>
          {preview.map(({ prompt, chosen, rejected }, at) => (
            <div key={at} class="row">
              <Conversation messages={prompt} />
              <div class="pair">
                <section class="part good">
                  <h3>Chosen</h3>
                  <Words text={chosen} />
                </section>
                <section class="part bad">
                  <h3>Rejected</h3>
                  <Words text={rejected} />
                </section>
              </div>
            </div>
          ))}
        </section>
      )}
    </>
  );
}
