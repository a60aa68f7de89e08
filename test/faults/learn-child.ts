/** `learn-child.ts <folder> <operation> <call> <mode>`: `learn` on a toy memory, cut short by SIGKILL or a full disk. */
import { runCutChild } from './cut-driver.ts';
import { type LearnOperation, operateLearning } from './learn-operations.ts';

await runCutChild((folder, operation) => operateLearning(folder, operation as LearnOperation));
