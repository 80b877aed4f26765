/**
 * Tells whether glibc.malloc.hugetlb=1 has an effect on this host. Sources: "Memory Allocation Tunables" in the manual of
 * glibc, and transhuge.rst in the kernel's documentation.
 */
import { tryReadText } from '../../system/files.ts';

const ENABLED = '/sys/kernel/mm/transparent_hugepage/enabled';

export interface Thp {
  /** Says why it has no effect with this libc.so.6; undefined if it has one. */
  obstacle(libcPath: string | undefined): string | undefined;
}

export function getThp(): Thp {
  const mode = /\[(\w+)\]/.exec(tryReadText(ENABLED))?.[1];
  return {
    obstacle(libcPath) {
      if (mode === undefined) return 'this kernel has no transparent huge pages';
      if (mode === 'never') return `transparent huge pages are switched off in ${ENABLED}`;
      if (mode === 'always') return 'the kernel uses huge pages already: transparent_hugepage/enabled is "always"';
      const version = libcPath === undefined ? undefined : glibcVersion(tryReadText(libcPath));
      return version === undefined || version >= 2.35 ? undefined : `glibc ${version} is older than 2.35`;
    },
  };
}

/** Reads the version from the line that glibc prints about itself. Versions 2.30 to 2.99 compare as numbers. */
function glibcVersion(libc: string): number | undefined {
  const version = /GNU C Library .*release version (2\.\d+)/.exec(libc)?.[1];
  return version === undefined ? undefined : Number(version);
}
