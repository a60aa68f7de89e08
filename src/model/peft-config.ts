/**
 * `adapter_config.json` of a PEFT folder, checked: what decides the adapter's result is read, what
 * would change it in a way not computed here is refused by name, the rest is ignored.
 */
import * as z from 'zod';
import { DataError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import type { LoraSettings } from './adapter.ts';

export interface PeftConfig {
  readonly rank: number;
  readonly alpha: number;
  /** As listed; none where the file gives a pattern. */
  readonly targets: readonly string[];
  /** What the file says the adapter was trained on: a Hub name or a folder, possibly elsewhere. */
  readonly baseModel: string | null;
}

/** LoRA options of PEFT that change the result wherever they are set to more than nothing. */
const UNSUPPORTED_OPTIONS = [
  'alora_invocation_tokens',
  'alpha_pattern',
  'arrow_config',
  'exclude_modules',
  'fan_in_fan_out',
  'kasa_config',
  'layer_replication',
  'layers_pattern',
  'layers_to_transform',
  'loftq_config',
  'lora_bias',
  'megatron_config',
  'modules_to_save',
  'monteclora_config',
  'rank_pattern',
  'target_parameters',
  'trainable_token_indices',
  'use_bdlora',
  'use_dora',
  'use_qalora',
  'use_rslora',
  'velora_config',
];

/** The others of `init_lora_weights` (pissa, olora, loftq, corda, eva, ...) may change the base as well. */
const PLAIN_INITIALISATIONS: readonly unknown[] = [undefined, null, true, false, 'gaussian', 'orthogonal'];

const schema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number(),
  target_modules: z
    .union([z.string(), z.array(z.string())], 'expected a list of names, or a pattern')
    .nullish(),
  base_model_name_or_path: z.string().nullish(),
});

/** @throws {DataError} naming the file and the field. */
export async function readPeftConfig(file: string): Promise<PeftConfig> {
  const parsed = schema.safeParse(await parseJsonFile(file), { reportInput: true });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = String(issue?.path[0] ?? '');
    if (issue === undefined || field === '') throw new DataError({ file }, 'not a PEFT configuration');
    // zod says "Invalid input: expected ..."; what was expected is the part worth reading.
    const expected = issue.message.replace(/^[A-Z][a-z ]*: /, '').replace(/, received .*$/, '');
    const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input);
    throw new DataError({ file, field }, `${expected}, found ${found}`);
  }
  const config = parsed.data;
  for (const field of UNSUPPORTED_OPTIONS) {
    if (isSet(config[field])) throw unsupported(file, field, config[field]);
  }
  if (isSet(config['bias']) && config['bias'] !== 'none') throw unsupported(file, 'bias', config['bias']);
  if (!PLAIN_INITIALISATIONS.includes(config['init_lora_weights'])) {
    throw unsupported(file, 'init_lora_weights', config['init_lora_weights']);
  }
  const targets = Array.isArray(config.target_modules) ? config.target_modules : [];
  const baseModel = config.base_model_name_or_path ?? null;
  return { rank: config.r, alpha: config.lora_alpha, targets, baseModel };
}

/** The text of `adapter_config.json` for an adapter that is loaded for inference unless told otherwise. */
export function formatPeftConfig(settings: LoraSettings, baseModel: string | null): string {
  const config = {
    base_model_name_or_path: baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: settings.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: settings.rank,
    target_modules: settings.targets,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** PEFT writes null, false, [] or {} for an option that is not in use. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function unsupported(file: string, field: string, value: unknown): DataError {
  const shown = JSON.stringify(value);
  const problem = `${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown} is a PEFT option not supported here`;
  return new DataError({ file, field }, problem);
}
