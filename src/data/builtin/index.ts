/** The built-in stream: six tasks of a small shop, in the order they are learned. */
import { format } from './content/format.ts';
import { safety } from './content/safety.ts';
import { voice } from './content/voice.ts';
import { empathy } from './support/empathy.ts';
import { facts } from './support/facts.ts';
import { honesty } from './support/honesty.ts';
import type { BuiltinTask } from './task.ts';

export const builtinTasks: readonly BuiltinTask[] = [empathy, facts, voice, format, safety, honesty];
