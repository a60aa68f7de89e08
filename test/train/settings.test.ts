/** Every setting that is accepted reaches the computation: changing it changes what is trained or measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { methods } from '../../src/method/index.ts';
import { writePeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import { applyOverrides } from '../../src/train/config/overrides.ts';
import { workspace } from './temporary-folder.ts';
import { toyModel } from './toy-engine.ts';
import { runToy, toyConfig } from './toy-stream.ts';

/** Everything a run computes: its steps without their speed, its matrix, the prompts it cut. */
async function outcome(...overrides: string[]): Promise<string> {
  const folder = workspace();
  const settings = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
  await writePeftAdapter(join(folder, 'other'), toyModel.createAdapter(settings, Random.fromSeed(99)));
  const rows = [0, 1].flatMap((task) => [`tasks.${task}.train_rows=13`, `tasks.${task}.test_rows=6`]);
  const small = [...rows, 'stages.sft.epochs=1', 'stages.preference.epochs=1', 'stages.sft.warmup_ratio=0.2'];
  const { cut_prompts: cut } = await runToy(applyOverrides(toyConfig(), [...small, ...overrides]), {
    folder,
  });
  const read = (name: string) => readFileSync(join(folder, 'output', name), 'utf8');
  return read('steps.jsonl').replace(/"tokens_per_second":[^}]*/g, '') + read('matrix.json') + cut;
}

const seqft = ['method=seqft'];
const method = (name: string) => [`method=${name}`];
/** It has no LoRA matrices, which the toy config has settings of. */
const l2p = [...method('l2p'), 'lora=null'];
const objective = (name: string) => [...seqft, `stages.preference.objective={name: ${name}}`];
const cases: readonly (readonly [change: string, context?: readonly string[]])[] = [
  ['adapter=other'],
  ['method=er'],
  ['method=seqft', ['method=er']],
  ['method=stl', seqft],
  ['method=mtl', seqft],
  ['method=ewc', seqft],
  ['method=gem', seqft],
  ['method=cppo', seqft],
  ['method=olora', seqft],
  ['replay={}', seqft],
  ['replay={}', l2p],
  ['method_settings.lambda=1', method('ewc')],
  ['method_settings.terms=last', method('ewc')],
  ['method_settings.margin=0.5', method('gem')],
  ['method_settings.decay=0.5', method('gem')],
  ['method_settings.retention=0.5', method('cppo')],
  ['method_settings.deviations=0.5', method('cppo')],
  ['method_settings.orthogonality=0.5', method('olora')],
  ['method_settings.l2=0.5', method('olora')],
  ['method_settings.pool_size=4', l2p],
  ['method_settings.prompt_length=2', l2p],
  ['method_settings.top_k=1', l2p],
  ['method_settings.key_weight=0.1', l2p],
  ['lora.rank=3'],
  ['lora.alpha=8'],
  ['lora.targets=[q_proj]'],
  ['tasks.0.train_rows=9'],
  ['tasks.0.test_rows=3'],
  ['replay.capacity=1'],
  ['replay.fraction=0.5'],
  ['replay.policy=reference'],
  ['consolidation.space=product'],
  ['consolidation.threshold=0.3'],
  ['consolidation.lambda=0.1'],
  ['reference=previous'],
  ['evaluate=all'],
  ['max_length=8'],
  ['seed=1'],
  ...['sft', 'preference'].flatMap((stage): [string][] =>
    [
      'epochs=0',
      'epochs=2',
      'learning_rate=0.05',
      'batch_size=5',
      'schedule=linear',
      'schedule=constant',
      'warmup_ratio=0.5',
      'max_grad_norm=0.01',
      'weight_decay=0.5',
    ].map((setting) => [`stages.${stage}.${setting}`]),
  ),
  ...['fpo', 'ipo', 'simpo', 'orpo', 'kto', 'hinge'].map((name): [string, string[]] => [
    `stages.preference.objective.name=${name}`,
    seqft,
  ]),
  ...(
    [
      ['fpo', 'beta=0.5'],
      ['fpo', 'gamma=0'],
      ['fpo', 'gamma=5'],
      ['fpo', 'label_smoothing=0.2'],
      ['dpo', 'beta=0.5'],
      ['dpo', 'label_smoothing=0.2'],
      ['ipo', 'beta=0.5'],
      ['ipo', 'length_normalized=false'],
      ['simpo', 'beta=1'],
      ['simpo', 'gamma=0.5'],
      ['simpo', 'label_smoothing=0.2'],
      ['orpo', 'lambda=1'],
      ['kto', 'beta=0.5'],
      ['kto', 'desirable_weight=2'],
      ['kto', 'undesirable_weight=2'],
      ['hinge', 'beta=0.5'],
    ] as const
  ).map(([name, setting]): [string, string[]] => [`stages.preference.objective.${setting}`, objective(name)]),
];

describe('every setting reaches the computation', () => {
  const baselines = new Map<string, Promise<string>>();
  const baseline = (context: readonly string[]) => {
    const key = context.join(' ');
    const known = baselines.get(key) ?? outcome(...context);
    baselines.set(key, known);
    return known;
  };

  it.each(cases.map(([change, context = []]) => ({ change, context })))(
    '$change',
    async ({ change, context }) => {
      expect(await outcome(...context, change)).not.toBe(await baseline(context));
    },
  );

  it('every setting of every method among them', () => {
    const tried = cases.map(([change, context = []]) => [context[0], change.split('=')[0]].join());
    for (const { name, settings } of methods) {
      for (const key of Object.keys(settings.shape)) {
        expect(tried).toContain([`method=${name}`, `method_settings.${key}`].join());
      }
    }
  });

  it('and the same settings give the same outcome', async () => {
    expect(await outcome()).toBe(await baseline([]));
  });
});
