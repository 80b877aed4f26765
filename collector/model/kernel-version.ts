/** Versions of Linux, as major.minor. */

/** The oldest Linux whose verifier accepts the probes. docs/kernels.md has the reasons. */
export const OLDEST_KERNEL = '5.15';

/** The oldest Linux on which the tests run. */
export const OLDEST_TESTED_KERNEL = '6.1';

/** Whether a release as uname(2) gives it, such as `6.1.0-28-amd64`, is this version or a later one. */
export function isAtLeast(release: string, version: string): boolean {
  const [major, minor] = numbers(release);
  const [wantedMajor, wantedMinor] = numbers(version);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function numbers(version: string): [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return [major, minor];
}
