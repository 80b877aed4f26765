/**
 * Writes the collector as one CommonJS file, forktax.cjs, beside it the licences of what it holds, and the page to ../page/build:
 *   scripts/node deploy/bundle/bundle.ts FOLDER
 * `npm ci` must have run. The same sources give the same bytes.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { buildPage } from './page.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Other processes load it, by the path of a file. */
const NOT_BUNDLED = ['afork', 'afork/*'];

/** zod takes its messages in 50 languages along, of which forktax uses English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup(building) {
    building.onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer }) =>
      importer.includes('/node_modules/zod/') ? { path: 'english', namespace: 'zod-locales' } : undefined,
    );
    building.onLoad({ filter: /^english$/, namespace: 'zod-locales' }, () => ({
      contents: "export { default as en } from 'zod/v4/locales/en.js';",
      resolveDir: join(REPOSITORY, 'collector'),
    }));
  },
};

/** CommonJS has neither; each source file sees the place of the bundle, which is as deep in its tree. */
const IMPORT_META = `
const moduleUrl = require('node:url').pathToFileURL(__filename).href;
const resolveModule = (name) => require('node:url').pathToFileURL(require.resolve(name)).href;
`;

async function bundle(folder: string): Promise<Metafile> {
  const outfile = resolve(folder, 'forktax.cjs');
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: ['collector/cli.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22.12',
    external: NOT_BUNDLED,
    define: { 'import.meta.url': 'moduleUrl', 'import.meta.resolve': 'resolveModule' },
    banner: { js: IMPORT_META },
    plugins: [englishOnly],
    // Names stay, for the sake of stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  // main.cjs runs it, not the shell.
  writeFileSync(outfile, readFileSync(outfile, 'utf8').replace(/^#!.*\n/, ''));
  chmodSync(outfile, 0o644);
  return metafile;
}

/** The folders of the packages in the bundle, from the repository; workspaces are forktax's own. */
function packagesIn(metafile: Metafile): string[] {
  const inputs = Object.keys(metafile.inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  return [...new Set(inputs.filter((folder) => folder !== undefined))].toSorted();
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(REPOSITORY, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(REPOSITORY, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(REPOSITORY, folder, file), 'utf8').trim() : '(the package has no licence file)';
  return `${name} ${version} (${license})\n\n${text}\n`;
}

const [folder] = process.argv.slice(2);
if (!folder || !existsSync(folder)) {
  console.error('bundle: name a folder that exists');
  process.exit(2);
}
const pageFolder = join(folder, '../page/build');
mkdirSync(pageFolder, { recursive: true });
const packages = [...packagesIn(await bundle(folder)), ...packagesIn(await buildPage(pageFolder))];
const notices = [...new Set(packages)].toSorted().map(noticeOf);
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), notices.join(`\n${'-'.repeat(80)}\n\n`));
