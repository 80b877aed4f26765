/** The picture and the tables of folders in docs/architecture.md, made from `scripts/layers.ts`. */
import { markdownTable } from '../collector/reference/markdown.ts';
import { FOLDERS, type Folder } from './layers.ts';

export const ARCHITECTURE = 'docs/architecture.md';
const BEGIN = '<!-- Made from scripts/layers.ts by scripts/generate-docs.ts: do not edit. -->';
const END = '<!-- End of what is made from scripts/layers.ts. -->';

/** The page with its folders made anew. @throws Error: the page lacks the marks around them */
export function withFolders(page: string): string {
  const [before, rest] = splitAt(page, BEGIN);
  const [, after] = splitAt(rest, END);
  const tables = FOLDERS.map(({ title, folders }) => `### ${title}\n\n${table(folders)}`);
  return `${before}${BEGIN}\n\n\`\`\`\n${picture()}\n\`\`\`\n\n${tables.join('\n\n')}\n\n${END}${after}`;
}

function splitAt(text: string, mark: string): [before: string, after: string] {
  const [before, after, ...more] = text.split(mark);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${ARCHITECTURE} must have this line once: ${mark}`);
  return [before, after];
}

function table(folders: readonly Folder[]): string {
  const rows = folders.map(({ path, holds, imports = [] }) => [
    `\`${path}\``,
    holds,
    imports.map((from) => `\`${shortened(from, path)}\``).join(' '),
  ]);
  return markdownTable(['folder', 'what it holds', 'what it imports from'], rows);
}

const OF_COLLECTOR = /^collector(\/(?!test)|$)/;

/** The collector's folders, a row for each group, highest first. A folder that imports from one in its row says so. */
function picture(): string {
  const rows = FOLDERS.map(({ folders }) => folders.filter(({ path }) => OF_COLLECTOR.test(path)));
  return rows
    .filter((row) => row.length > 0)
    .map((row) => ` ${[...new Set(row.map(topFolder))].map((name) => withArrows(name, row)).join('  ')}`)
    .toReversed()
    .join('\n');
}

const topFolder = ({ path }: Pick<Folder, 'path'>): string => path.split('/')[1] ?? 'program.ts';

function withArrows(name: string, row: readonly Folder[]): string {
  const inRow = new Set(row.map(topFolder));
  const imported = row
    .filter((folder) => topFolder(folder) === name)
    .flatMap(({ imports = [] }) => imports.map((path) => topFolder({ path })));
  const beside = [...new Set(imported)].filter((each) => each !== name && inRow.has(each));
  return beside.length === 0 ? name : `${name} (→ ${beside.join(', ')})`;
}

/** Without the part that both paths begin with, if that is the collector. */
function shortened(from: string, importer: string): string {
  return OF_COLLECTOR.test(importer) ? from.replace(/^collector\//, '') : from;
}
