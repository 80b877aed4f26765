/**
 * Prints what the releases are made of, as CycloneDX: npm's own list, and what does not come from npm.
 *   scripts/node scripts/release/sbom.ts VERSIONS
 * VERSIONS has a line for each library that is linked in: its name and Debian's version of its source. SOURCE_DATE_EPOCH dates it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly [key: string]: unknown;
}

interface Bom {
  readonly metadata: { readonly component: Component; readonly [key: string]: unknown };
  readonly components: readonly Component[];
  readonly [key: string]: unknown;
}

const [versions = ''] = process.argv.slice(2);
const LICENSES: Readonly<Record<string, string>> = {
  elfutils: 'LGPL-3.0-or-later OR GPL-2.0-or-later',
  libiberty: 'LGPL-2.0-or-later',
  libbpf: 'LGPL-2.1-only OR BSD-2-Clause',
  zlib: 'Zlib',
};

function component(name: string, version: string, purl: string, license: string): Component {
  return {
    'bom-ref': `${name}@${version}`,
    type: name === 'node' ? 'platform' : 'library',
    name,
    version,
    scope: 'required',
    purl,
    licenses: [license.includes(' ') ? { expression: license } : { license: { id: license } }],
  };
}

function linkedIn(): Component[] {
  const lines = readFileSync(versions, 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [name = '', version = ''] = line.split(' ');
    const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=source`;
    return component(name, version, purl, LICENSES[name] ?? 'NOASSERTION');
  });
}

function node(): Component {
  const version = readFileSync('.node-version', 'utf8').trim();
  return component('node', version, `pkg:generic/node@${version}`, 'MIT');
}

/** npm calls a workspace by its folder. */
const named = (each: Component): Component => ({ ...each, name: each['bom-ref'].replace(/(.)@.*$/, '$1') });

/** npm gives each list a time and a number of its own. */
function repeatable(bom: Bom): Bom {
  const timestamp = new Date(Number(process.env['SOURCE_DATE_EPOCH']) * 1000).toISOString();
  const hash = createHash('sha256').update(JSON.stringify(bom.components)).digest('hex');
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  return { ...bom, serialNumber: `urn:uuid:${uuid}`, metadata: { ...bom.metadata, timestamp } };
}

const npm = ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--workspace', 'forktax'];
const bom = JSON.parse(execFileSync('npm', npm, { encoding: 'utf8' })) as Bom;
const components = [...bom.components.map(named), node(), ...linkedIn()];
const whole = { ...bom, metadata: { ...bom.metadata, component: named(bom.metadata.component) }, components };
process.stdout.write(`${JSON.stringify(repeatable(whole), undefined, 2)}\n`);
