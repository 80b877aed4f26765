/** Writes the dashboards and rules. With --check it only compares; `npm run check` and `npm test` fail if one is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { scriptFlags } from '../testing/script-flags.ts';
import { generatedFiles } from './generated-files.ts';

const USAGE = `npm run generate -- [--check]
--check: write nothing, and fail if a file is not current.`;
const { check } = scriptFlags(USAGE, { options: { check: { type: 'boolean', default: false } } }).values;

const current = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const stale = [...generatedFiles()].filter(([path, content]) => current(path) !== content);

if (!check) {
  for (const [path, content] of stale) writeFileSync(path, content);
} else if (stale.length > 0) {
  console.error(`Not current: ${stale.map(([path]) => path).join(', ')}. Run "npm run generate".`);
  process.exitCode = 1;
}
