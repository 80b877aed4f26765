/** Whether glibc.malloc.hugetlb=1 can do anything here: glibc(5) "Memory Allocation Tunables", kernel transhuge.rst. */
import { readFileSync } from 'node:fs';

const ENABLED = '/sys/kernel/mm/transparent_hugepage/enabled';

export interface Thp {
  /** Why it would do nothing with this libc.so.6; undefined: it will do something. */
  obstacle(libcPath: string | undefined): string | undefined;
}

export function getThp(): Thp {
  const mode = /\[(\w+)\]/.exec(tryRead(ENABLED))?.[1];
  return {
    obstacle(libcPath) {
      if (mode === undefined) return 'this kernel has no transparent huge pages';
      if (mode === 'never') return `transparent huge pages are switched off in ${ENABLED}`;
      if (mode === 'always') return 'the kernel uses huge pages already: transparent_hugepage/enabled is "always"';
      const version = libcPath === undefined ? undefined : glibcVersion(tryRead(libcPath));
      return version === undefined || version >= 2.35 ? undefined : `glibc ${version} is older than 2.35`;
    },
  };
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** glibc's own line about itself; its versions 2.30 to 2.99 compare as numbers. */
function glibcVersion(libc: string): number | undefined {
  const version = /GNU C Library .*release version (2\.\d+)/.exec(libc)?.[1];
  return version === undefined ? undefined : Number(version);
}
