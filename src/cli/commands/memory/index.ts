/** `lifealign memory`: the commands of the versioned long-term memory, one file each. */
import type { Command } from 'commander';
import { registerMemoryCompose } from './compose.ts';
import { registerMemoryConfig } from './config.ts';
import { registerMemoryDiff } from './diff.ts';
import { registerMemoryDrop } from './drop.ts';
import { registerMemoryExport } from './export.ts';
import { registerMemoryForget } from './forget.ts';
import { registerMemoryInit } from './init.ts';
import { registerMemoryLog } from './log.ts';
import { registerMemoryMeasure } from './measure.ts';
import { registerMemoryOverlap } from './overlap.ts';
import { registerMemoryRevert } from './revert.ts';
import { registerMemoryShow } from './show.ts';
import { registerMemoryVerify } from './verify.ts';

export function registerMemory(program: Command): void {
  registerMemoryInit(program);
  registerMemoryLog(program);
  registerMemoryShow(program);
  registerMemoryVerify(program);
  registerMemoryRevert(program);
  registerMemoryDiff(program);
  registerMemoryDrop(program);
  registerMemoryForget(program);
  registerMemoryExport(program);
  registerMemoryConfig(program);
  registerMemoryOverlap(program);
  registerMemoryCompose(program);
  registerMemoryMeasure(program);
}
