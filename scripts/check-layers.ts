/** Compares every import between folders with `scripts/layers.ts`. Exits with 1 if one is not allowed. */
import { importsOf, LINES, projectFiles, violations } from './imports.ts';

const files = projectFiles();
const wrong = violations(LINES, files, importsOf(files));
for (const sentence of wrong) console.error(`scripts/layers.ts: ${sentence}`);
if (wrong.length > 0) process.exitCode = 1;
