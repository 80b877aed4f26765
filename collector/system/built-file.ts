import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Gives the absolute path of a file that make built, from its path in the repository. This module runs as TypeScript
 * from the repository, as JavaScript from `build/` or an installation, which have the same tree, or from the npm package,
 * beside which npm puts one with what is built for this processor. Where there is none, gives a path that does not exist.
 */
export function builtFile(path: string): string {
  const [here = path, above = path] = ['../../', '../../../'].map((root) =>
    fileURLToPath(new URL(root + path, import.meta.url)),
  );
  return [above, here].find((candidate) => existsSync(candidate)) ?? platformFile(path) ?? here;
}

function platformFile(path: string): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`forktax-linux-${process.arch}/package.json`);
    return join(dirname(manifest), path);
  } catch {
    return undefined;
  }
}

/** What compiled code must be made for: `linux x64 with glibc 2.36`. Takes some milliseconds. */
export function describeSystem(): string {
  const { glibcVersionRuntime } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header;
  const libc = glibcVersionRuntime === undefined ? 'another C library than glibc' : `glibc ${glibcVersionRuntime}`;
  return `${process.platform} ${process.arch} with ${libc}`;
}
