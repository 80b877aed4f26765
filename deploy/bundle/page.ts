/** The page at `/` as a few files that need nothing from another host. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Writes index.html, page.js and page.css to the folder. The same sources give the same bytes. */
export async function buildPage(folder: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: { page: 'collector/page/main.ts' },
    outdir: resolve(folder),
    bundle: true,
    platform: 'browser',
    format: 'esm',
    // light-dark() and requestAnimationFrame are in all browsers of 2024.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'index.html'), readFileSync(join(REPOSITORY, 'collector/page/index.html')));
  return metafile;
}
