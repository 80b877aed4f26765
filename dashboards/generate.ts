/** Writes the dashboards and rules. With --check it only compares; `npm run check` and `npm test` fail if one is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedFiles } from './generated-files.ts';

const current = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const stale = [...generatedFiles()].filter(([path, content]) => current(path) !== content);

if (!process.argv.includes('--check')) {
  for (const [path, content] of stale) writeFileSync(path, content);
} else if (stale.length > 0) {
  console.error(`Not current: ${stale.map(([path]) => path).join(', ')}. Run "npm run generate".`);
  process.exitCode = 1;
}
