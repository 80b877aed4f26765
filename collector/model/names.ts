/** Gives the spelling of a name in C and in JSON: `stall_ns` for `stallNs`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
