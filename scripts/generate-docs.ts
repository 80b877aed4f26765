/** Writes the documents that are generated from the code. `npm test` fails if one is not current. */
import { readFileSync, writeFileSync } from 'node:fs';
import { generatedDocs } from '../collector/reference/generated-docs.ts';
import { ARCHITECTURE, withFolders } from './folder-tables.ts';

for (const [path, content] of generatedDocs()) writeFileSync(path, content);
writeFileSync(ARCHITECTURE, withFolders(readFileSync(ARCHITECTURE, 'utf8')));
