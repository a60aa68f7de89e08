/** What is taken apart and merged: each LoRA matrix by itself, as the paper has it, or the products B·A. */
export const consolidationSpaces = ['factors', 'product'] as const;
export type ConsolidationSpace = (typeof consolidationSpaces)[number];
