/** Builds the page for a collector that runs from the repository: scripts/node deploy/bundle/make-page.ts */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildPage } from './page.ts';

const folder = fileURLToPath(new URL('../../collector/page/build', import.meta.url));
mkdirSync(folder, { recursive: true });
await buildPage(folder);
