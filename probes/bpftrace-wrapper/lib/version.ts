/** Versions of bpftrace. */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** The version as bpftrace prints it, without the 'v': `0.20.2`, `0.23.0-12-gabcdef`. */
  readonly text: string;
}

/** Parses the output of `bpftrace --version`, or `0.20`. Gives undefined if there is no version in it. */
export function parseVersion(text: string): Version | undefined {
  const match = /(?:^|\s)v?(\d+)\.(\d+)(?:\.(\d+))?\S*/.exec(text);
  if (!match) return undefined;
  const [found, major, minor, patch] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch ?? 0),
    text: found.trim().replace(/^v/, ''),
  };
}

/** Whether `version` is `minimum`, such as `0.20`, or later. */
export function atLeast(version: Version, minimum: string): boolean {
  const wanted = parseVersion(minimum);
  if (!wanted) throw new TypeError(`'${minimum}' is no version`);
  const difference = version.major - wanted.major || version.minor - wanted.minor || version.patch - wanted.patch;
  return difference >= 0;
}
