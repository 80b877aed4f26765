/** Debian packages in a folder of their own: downloaded and unpacked, not installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Gives the arguments that run a program of the packages with their libraries. */
export type Unpacked = (program: string) => readonly string[];

/** Unpacks packages into `folder`: of programs, and of the libraries that a host seldom has. @throws Error if apt does not have one of them */
export function unpackPackages(folder: string, packages: readonly string[]): Unpacked {
  const [downloads, root] = [join(folder, 'packages'), join(folder, 'root')];
  mkdirSync(downloads, { recursive: true });
  execFileSync('apt-get', ['-q', 'download', ...packages], { cwd: downloads, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const file of readdirSync(downloads)) execFileSync('dpkg', ['-x', join(downloads, file), root]);
  const libraries = ['usr/lib', 'lib'].map((place) => join(root, place, 'x86_64-linux-gnu')).join(':');
  return (program) => ['env', `LD_LIBRARY_PATH=${libraries}`, join(root, program)];
}
