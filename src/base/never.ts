/** Marks a branch that cannot be reached. A new variant turns this call into a compile error. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${JSON.stringify(value)}`);
}
