/** A flag that may be given several times: its values in that order. */
export function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
