/** Reads the constants that `probes/spawn.h` shares with user space from the BTF of the compiled probes. */
import { readFileSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';
import { readEnumerators } from '../../system/btf.ts';
import { probesPath } from '../../system/native.ts';

let known: ReadonlyMap<string, number> | undefined;

/**
 * Gives the value of each enumerator.
 * @throws FORKTAX_NO_NATIVE the probes were not built
 */
export function probeConstants(): ReadonlyMap<string, number> {
  return (known ??= readConstants());
}

export function probeConstant(name: string): number {
  const value = probeConstants().get(name);
  if (value === undefined) throw new Error(`the probes have no constant ${name}`);
  return value;
}

/** Gives the value of a name in an enum: that of `EVENT_EXEC_FAILURE` for the prefix `EVENT` and the name `exec-failure`. */
export function enumValue(prefix: string, name: string): number {
  return probeConstant(`${prefix}_${name.toUpperCase().replaceAll('-', '_')}`);
}

/** Gives a function from a value to its name in an enum, or to the first name for an unknown value. */
export function enumNames<Name extends string>(
  prefix: string,
  names: readonly [Name, ...Name[]],
): (value: number) => Name {
  const byValue: Name[] = [];
  for (const name of names) byValue[enumValue(prefix, name)] = name;
  return (value) => byValue[value] ?? names[0];
}

function readConstants(): ReadonlyMap<string, number> {
  try {
    return readEnumerators(readFileSync(probesPath));
  } catch (cause) {
    throw new ForktaxError('FORKTAX_NO_NATIVE', `the compiled probes cannot be read at ${probesPath}`, {
      detail: (cause as Error).message,
      cause,
    });
  }
}
