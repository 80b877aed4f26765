/** The documents that are generated from the code. */
import { configurationPage } from './settings-page.ts';
import { apiPage } from './api-page.ts';
import { errorsPage } from './errors-page.ts';
import { metricsPage } from './metrics-page.ts';
import { buildProgram } from '../program.ts';
import { commandTree } from '../terminal/command-tree.ts';
import { manPage } from './man-page.ts';
import { VERSION } from '../system/version.ts';

/** Gives the content of each document by its path from the root of the repository. */
export function generatedDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/api.md', apiPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/errors.md', errorsPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/forktax.1', manPage(commandTree(buildProgram()), VERSION)],
  ]);
}
