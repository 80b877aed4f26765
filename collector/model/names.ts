/** The spelling of names elsewhere: `stallNs` is `stall_ns` in C and in JSON. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
