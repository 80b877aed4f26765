/** Makes the image's files without an engine that builds images: those of `make install`, and this Debian's libraries. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TOP } from './compose-file.ts';

/** Gives the folder. This machine's libraries replace the Debian packages of the Dockerfile. */
export function makeImage(): string {
  const root = mkdtempSync(join(tmpdir(), 'forktax-image-'));
  chmodSync(root, 0o755);
  execFileSync('make', ['-s', 'install', `DESTDIR=${root}`, 'PREFIX=/usr'], { cwd: TOP });
  mkdirSync(`${root}/bin`);
  copyFileSync(execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim(), `${root}/bin/busybox`);
  symlinkSync('busybox', `${root}/bin/sh`);
  const home = `${root}/usr/lib/forktax`;
  for (const library of librariesOf(`${home}/node`, `${home}/native/bpf/build/bpf.node`)) {
    mkdirSync(root + dirname(library), { recursive: true });
    copyFileSync(library, root + library);
  }
  for (const folder of ['proc', 'sys', 'dev', 'tmp']) mkdirSync(`${root}/${folder}`);
  return root;
}

function librariesOf(...files: readonly string[]): Set<string> {
  const text = execFileSync('ldd', files, { encoding: 'utf8' });
  return new Set([...text.matchAll(/(?:=> |^\s+)(\/\S+)/gm)].map(([, path = '']) => path));
}
