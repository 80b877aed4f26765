/** What imports what, and what of it `scripts/layers.ts` does not allow. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';
import { FOLDERS, type Folder } from './layers.ts';

export const LINES: readonly Folder[] = FOLDERS.flatMap(({ folders }) => folders);

/** One import: a file, and the folder that it imports from. */
export interface Import {
  readonly file: string;
  readonly from: string;
}

const covers = (pattern: string, folder: string): boolean =>
  pattern === folder || (pattern.endsWith('/**') && `${folder}/`.startsWith(pattern.slice(0, -2)));

/** The line that a folder falls under: its own, or that of the nearest `name/**` above it. */
function lineOf(lines: readonly Folder[], folder: string): Folder | undefined {
  const covering = lines.filter(({ path }) => covers(path, folder));
  return covering.reduce<Folder | undefined>(
    (nearest, line) => (nearest && nearest.path.length > line.path.length ? nearest : line),
    undefined,
  );
}

const bare = (path: string): string => path.replace(/\/\*\*$/, '');

/** What is wrong, a sentence each; empty if all is well. */
export function violations(lines: readonly Folder[], files: readonly string[], imports: readonly Import[]): string[] {
  const wrong: string[] = [];
  const used = new Set<string>();
  for (const folder of new Set(files.filter(isSource).map(dirname)))
    if (!lineOf(lines, folder)) wrong.push(`${folder} has no line`);
  for (const { path } of lines)
    if (!files.some((file) => covers(path, dirname(file)))) wrong.push(`${path} has a line, but no file`);
  for (const { file, from } of imports) {
    const importer = lineOf(lines, dirname(file));
    const imported = lineOf(lines, from);
    if (!importer || !imported || importer === imported) continue;
    const allowing = (importer.imports ?? []).filter((pattern) => covers(pattern, bare(imported.path)));
    for (const pattern of allowing) used.add(`${importer.path} ${pattern}`);
    if (allowing.length === 0) wrong.push(`${file} imports from ${from}, which ${importer.path} may not`);
    else if (lines.indexOf(imported) > lines.indexOf(importer))
      wrong.push(`${file} imports from ${from}, whose line comes later than that of ${importer.path}`);
  }
  for (const { path, imports: allowed = [] } of lines)
    for (const pattern of allowed)
      if (!used.has(`${path} ${pattern}`)) wrong.push(`${path} may import from ${pattern}, but does not`);
  return [...new Set(wrong)];
}

const isSource = (file: string): boolean => /\.(ts|c|cc|h)$/.test(file);

/** Files that git knows, or that are new and not ignored. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    encoding: 'utf8',
  });
  return listed.split('\0').filter((file) => existsSync(file));
}

export function importsOf(files: readonly string[]): Import[] {
  return files.filter(isSource).flatMap((file) => {
    const targets = file.endsWith('.ts') ? typescriptImports(file) : includes(file, files);
    return targets.filter((from) => from !== dirname(file)).map((from) => ({ file, from }));
  });
}

/** Folders that a TypeScript file imports from: by relative paths, or by the names of packages of this project. */
function typescriptImports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const { module } = parseSync(file, text);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.map(({ moduleRequest }) => text.slice(moduleRequest.start + 1, moduleRequest.end - 1)),
  ];
  return specifiers.flatMap((specifier) =>
    specifier.startsWith('.')
      ? compiledFrom(dirname(normalize(join(dirname(file), specifier))))
      : packageFolder(specifier),
  );
}

const packageFolder = (name: string): string[] => LINES.filter((line) => line.package === name).map(({ path }) => path);

/** The folder of the sources, for a `dist` that is compiled from them. */
function compiledFrom(folder: string): string {
  if (basename(folder) !== 'dist') return folder;
  const sources = LINES.find((line) => line.package && dirname(line.path) === dirname(folder));
  return sources?.path ?? folder;
}

/** Folders of the headers that a C file includes by name in quotes, where the compiler finds them: beside it, or by -I. */
function includes(file: string, files: readonly string[]): string[] {
  const names = [...readFileSync(file, 'utf8').matchAll(/^#include "([^"]+)"/gm)].map(([, name = '']) => name);
  return names.flatMap((name) => {
    const beside = normalize(join(dirname(file), name));
    if (existsSync(beside)) return dirname(beside);
    return files.filter((other) => basename(other) === name).map(dirname);
  });
}
