/** The Node versions that the tests run in: this one, and the other of the two that are supported longest. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Node {
  readonly version: string;
  readonly path: string | undefined;
  /** Why there is no path. */
  readonly missing: string | undefined;
}

const VERSIONS = ['22.23.3', '24.21.0'];
const CACHE = fileURLToPath(new URL('../.cache/', import.meta.url));

export function findNodes(): readonly Node[] {
  return VERSIONS.map((version) =>
    majorOf(version) === majorOf(process.versions.node) ? thisNode : fetchNode(version),
  );
}

const thisNode: Node = { version: process.versions.node, path: process.execPath, missing: undefined };

function majorOf(version: string): string {
  return version.split('.')[0] ?? '';
}

function fetchNode(version: string): Node {
  const name = `node-linux-${process.arch}`;
  const folder = `${CACHE}node-${version}`;
  const path = `${folder}/node_modules/${name}/bin/node`;
  const install = [
    'install',
    '--silent',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--prefix',
    folder,
    `${name}@${version}`,
  ];
  try {
    if (!existsSync(path)) execFileSync('npm', install, { stdio: ['ignore', 'ignore', 'pipe'] });
    return { version, path, missing: undefined };
  } catch (error) {
    return { version, path: undefined, missing: `Node.js ${version} cannot be fetched: ${(error as Error).message}` };
  }
}
