import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Gives the absolute path of a file that make built, from its path in the repository. This module runs as TypeScript
 * from the repository, or as JavaScript from `build/`, which has the same tree.
 */
export function builtFile(path: string): string {
  const [here, above] = ['../../', '../../../'].map((root) => fileURLToPath(new URL(root + path, import.meta.url)));
  return above && existsSync(above) ? above : (here ?? path);
}
