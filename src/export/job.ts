/** What an export is asked for: the forms by name, and the base and adapter that are written. */
import type { Engine } from '../engine/engine.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import type { FloatFormat } from '../model/weights/float-formats.ts';
import type { ProgressFactory } from '../support/progress.ts';
import type { TextModel } from '../text/text-model.ts';

/** `peft`: a PEFT folder; `merged`: a model with the adapter in its weights; `gguf-lora`: for llama.cpp. */
export const exportFormatNames = ['peft', 'merged', 'gguf-lora'] as const;

export type ExportFormatName = (typeof exportFormatNames)[number];

/** A base model with its text side and an engine over it. */
export interface ExportBase {
  readonly model: ModelFolder;
  readonly text: TextModel;
  readonly engine: Engine;
}

/** What is written, and how. */
export interface ExportJob {
  readonly base: ExportBase;
  readonly adapter: LoraAdapter;
  readonly dtype: FloatFormat;
  readonly maxShardBytes: number;
  /** What the files name as the adapter's base. */
  readonly baseModel: string;
  readonly threads?: number;
  readonly progress?: ProgressFactory;
  readonly signal?: AbortSignal;
}
