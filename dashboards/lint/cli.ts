/** Lints dashboards, by default those generated: `scripts/node dashboards/lint/cli.ts [FILE...]`. */
import { readFileSync } from 'node:fs';
import { generatedFiles } from '../generated-files.ts';
import { lint } from './lint.ts';

const given = process.argv.slice(2);
const paths = given.length > 0 ? given : [...generatedFiles().keys()].filter((path) => path.endsWith('.json'));
const complaints = paths.flatMap((path) => lint(JSON.parse(readFileSync(path, 'utf8'))));
for (const { rule, where, message } of complaints) console.error(`${where}: ${message} (${rule})`);
if (complaints.length > 0) process.exitCode = 1;
