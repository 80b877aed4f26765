import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * A file that make built, from its path in the repository. This file runs from there as TypeScript, or as JavaScript
 * from `build/`, which has the same tree.
 */
export function builtFile(path: string): string {
  const [here, above] = ['../../', '../../../'].map((root) => fileURLToPath(new URL(root + path, import.meta.url)));
  return above && existsSync(above) ? above : (here ?? path);
}
