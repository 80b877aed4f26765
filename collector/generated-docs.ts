/** The documents that are made from the code. */
import { errorsPage } from './errors-page.ts';
import { buildProgram } from './program.ts';
import { commandTree } from './terminal/command-tree.ts';
import { manPage } from './terminal/man-page.ts';
import { VERSION } from './version.ts';

/** Path from the root of the repository → content. */
export function generatedDocs(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/errors.md', errorsPage()],
    ['docs/forktax.1', manPage(commandTree(buildProgram()), VERSION)],
  ]);
}
