/** Debian packages in a folder of their own: downloaded and unpacked, not installed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The tools, and the libraries of them that a host seldom has. */
const PACKAGES = `
libbpf-tools
auditd libaudit1 libauparse0 libcap-ng0 libwrap0
sysdig libfalcosecurity0 libabsl20220623 libb64-0d libgrpc++1.51 libgrpc29 libprotobuf32
libjq1 libonig5 libjsoncpp25 libluajit-5.1-2 libtbb12 libyaml-cpp0.7 libc-ares2 libre2-9`
  .trim()
  .split(/\s+/);

/** Gives the arguments that run a program of the packages with their libraries. */
export type Unpacked = (program: string) => readonly string[];

/** Unpacks the packages into `folder`. @throws Error if apt does not have one of them */
export function unpackPackages(folder: string): Unpacked {
  const [downloads, root] = [join(folder, 'packages'), join(folder, 'root')];
  mkdirSync(downloads, { recursive: true });
  execFileSync('apt-get', ['-q', 'download', ...PACKAGES], { cwd: downloads, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const file of readdirSync(downloads)) execFileSync('dpkg', ['-x', join(downloads, file), root]);
  const libraries = ['usr/lib', 'lib'].map((place) => join(root, place, 'x86_64-linux-gnu')).join(':');
  return (program) => ['env', `LD_LIBRARY_PATH=${libraries}`, join(root, program)];
}
