/** `memory-child.ts <folder> <operation> [<call> <mode>]`: an operation on a memory, cut short by SIGKILL or a full disk. */
import { runCutChild } from './cut-driver.ts';
import { type MemoryOperation, operate } from './memory-operations.ts';

await runCutChild((folder, operation) => operate(folder, operation as MemoryOperation));
