/** Writes the documents that are made from the code; `npm test` fails when one is not current. */
import { writeFileSync } from 'node:fs';
import { generatedDocs } from '../collector/reference/generated-docs.ts';

for (const [path, content] of generatedDocs()) writeFileSync(path, content);
