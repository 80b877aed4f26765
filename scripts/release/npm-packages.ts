/**
 * Makes what `npm publish` takes, in FOLDER: forktax, afork and bpftrace-wrapper, which hold no machine code, and for each
 * architecture the packages beside them that do. No package has an install script.
 *   scripts/node scripts/release/npm-packages.ts FOLDER CHECKOUT ARCH=TREE...
 * CHECKOUT is built; each TREE is what scripts/release/build left for ARCH, with an empty prefix.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files?: readonly string[];
  readonly [key: string]: unknown;
}

/** Where each file of a package comes from, by its path in the package; a folder is taken whole. */
type Files = Readonly<Record<string, string>>;

const [output = '', checkout = '', ...named] = process.argv.slice(2);
const trees = new Map(named.map((each) => each.split('=') as [string, string]));
const [anyTree = ''] = trees.values();

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8')) as Manifest;

const home = (tree: string): string => join(tree, 'lib/forktax');

/** Without what only the repository needs. */
function publishable({ files: _files, private: _private, devDependencies: _own, ...rest }: Manifest): Manifest {
  return rest;
}

/** Each is a package of its own; npm takes the one that fits and passes over the others. */
function platformPackages({ name, version }: Manifest): Readonly<Record<string, string>> {
  return Object.fromEntries([...trees.keys()].map((arch) => [`${name}-linux-${arch}`, version]));
}

/** glibc: npm leaves the package out on musl. */
function platformManifest({ name, version, license, engines }: Manifest, arch: string): Manifest {
  return {
    name: `${name}-linux-${arch}`,
    version,
    description: `What ${name} has of machine code, for Linux on ${arch} with glibc 2.28 or later`,
    license,
    type: 'commonjs',
    os: ['linux'],
    cpu: [arch],
    libc: ['glibc'],
    engines,
  };
}

function pack(manifest: Manifest, files: Files): void {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-npm-'));
  try {
    for (const [to, from] of Object.entries({ LICENSE: join(checkout, 'LICENSE'), ...files })) {
      mkdirSync(dirname(join(folder, to)), { recursive: true });
      cpSync(from, join(folder, to), { recursive: true });
    }
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', resolve(output)], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function packForktax(): void {
  const manifest = readManifest('collector');
  const { afork } = manifest['dependencies'] as Record<string, string>;
  const start = join(mkdtempSync(join(tmpdir(), 'forktax-npm-')), 'forktax');
  // The young generation of V8's heap can only be set at start.
  writeFileSync(
    start,
    '#!/bin/sh\n' +
      'home=$(dirname -- "$(readlink -f -- "$0")")/..\n' +
      'exec node --max-semi-space-size=1 "$home/collector/bin/main.cjs" "$@"\n',
  );
  chmodSync(start, 0o755);
  const shipped = publishable({
    ...manifest,
    cpu: [...trees.keys()],
    bin: { forktax: 'bin/forktax' },
    man: ['share/man/man1/forktax.1'],
    exports: { './package.json': './package.json' },
    dependencies: { afork },
    optionalDependencies: platformPackages(manifest),
  });
  const bin = join(home(anyTree), 'collector/bin');
  pack(shipped, {
    'README.md': join(checkout, 'README.md'),
    'CHANGELOG.md': join(checkout, 'CHANGELOG.md'),
    'bin/forktax': start,
    'collector/bin/forktax.cjs': join(bin, 'forktax.cjs'),
    'collector/bin/main.cjs': join(bin, 'main.cjs'),
    'collector/page/build': join(bin, '../page/build'),
    'collector/package.json': join(home(anyTree), 'collector/package.json'),
    'THIRD-PARTY-LICENSES': join(home(anyTree), 'THIRD-PARTY-LICENSES'),
    'native/afork/sites.cjs': join(checkout, 'native/afork/sites.cjs'),
    'share/man/man1/forktax.1': join(checkout, 'docs/forktax.1'),
    ...Object.fromEntries(
      execFileSync('find', [join(home(anyTree), 'probes'), '-name', '*.bt'], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((script) => [`probes/${basename(script)}`, script]),
    ),
  });
  rmSync(dirname(start), { recursive: true });
  const compiled = [
    'native/bpf/build/bpf.node',
    'native/hold/build/hold',
    'native/preload/build/libafork-preload.so',
    'native/spawnload/build/spawnload',
    'native/unwind/build/unwind',
    'probes/build/spawn.bpf.o',
    'THIRD-PARTY-LICENSES',
  ];
  for (const [arch, tree] of trees)
    pack(platformManifest(manifest, arch), Object.fromEntries(compiled.map((path) => [path, join(home(tree), path)])));
}

/** The package of a workspace, with the files that its package.json names but what is compiled. */
function packWorkspace(folder: string, more: Readonly<Record<string, unknown>> = {}): void {
  const manifest = readManifest(folder);
  const files = (manifest.files ?? []).filter((file) => !file.startsWith('build/'));
  const all = ['README.md', ...files];
  pack(
    publishable({ ...manifest, ...more }),
    Object.fromEntries(all.map((file) => [file, join(checkout, folder, file)])),
  );
}

function packAfork(): void {
  const manifest = readManifest('native/afork');
  packWorkspace('native/afork', { optionalDependencies: platformPackages(manifest) });
  for (const [arch, tree] of trees)
    pack(
      {
        ...platformManifest(manifest, arch),
        exports: { './afork.node': './afork.node', './package.json': './package.json' },
      },
      { 'afork.node': join(home(tree), 'node_modules/afork/build/afork.node') },
    );
}

packForktax();
packAfork();
packWorkspace('probes/bpftrace-wrapper');
