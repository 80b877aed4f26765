/**
 * Real programs print and return the same with relaunch and without it, and the chosen way suits them. Programs that are
 * not installed are skipped. FORKTAX_TEST_NPM names a directory in which `npm install esbuild vite vitest mocha` was run.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { runPlain, runRelaunched, type RunReport } from '../run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../temporary.ts';

const NPM = process.env['FORKTAX_TEST_NPM'];
/** Debian's directories come first, because version managers put scripts before them. */
// Scripts of Node.js, such as npm, run on the one that runs this.
const PATH = [dirname(process.execPath), '/usr/bin', '/usr/sbin', ...(process.env['PATH'] ?? '').split(delimiter)].join(
  delimiter,
);
const env = { ...process.env, PATH, GIT_CONFIG_GLOBAL: '/dev/null', CI: '1' };

function found(program: string): string | undefined {
  const path = inPath(program);
  return path !== undefined && STANDS_FOR_ANOTHER.has(program) && !runs(path) ? undefined : path;
}

/** rustup's rustc does nothing where the user has no toolchain. */
const STANDS_FOR_ANOTHER = new Set(['rustc']);

const runs = (path: string): boolean => spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;

function inPath(program: string): string | undefined {
  return PATH.split(delimiter)
    .map((directory) => join(directory, program))
    .find(existsSync);
}

interface Case {
  readonly name: string;
  readonly needs: readonly string[];
  /** An npm package that must be installed. */
  readonly needsNpm?: string;
  readonly via: string;
  readonly reason: RegExp;
  /** Prepares the directory, and gives the command. */
  readonly prepare: (directory: TemporaryDirectory) => readonly string[];
  readonly status?: number;
  /** Checks what else the report must hold. */
  readonly check?: (run: RunReport) => void;
  /** Removes what differs between two runs of the same program. */
  readonly normalise?: (output: string) => string;
}

const FORKS = ['fork', 'vfork'];

/** Asserts that a program made all its spawns by this mechanism. */
const spawned =
  (comm: string, ...mechanisms: string[]) =>
  (run: RunReport) => {
    const own = run.programs.filter((each) => each.comm === comm);
    assert.ok(own.length > 0, `no spawns by ${comm}: ${JSON.stringify(run.programs)}`);
    for (const { mechanism } of own) assert.ok(mechanisms.includes(mechanism), `${comm}: ${mechanism}`);
  };

const CASES: readonly Case[] = [
  {
    name: 'git, fetching from a repository',
    needs: ['git'],
    via: 'none',
    reason: /^git: it forks for each helper/,
    prepare({ path }) {
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: path, env });
      git('init', '-q', 'source');
      git('-C', 'source', 'commit', '-q', '--allow-empty', '-m', 'one');
      return ['git', 'ls-remote', join(path, 'source')];
    },
    check: spawned('git', ...FORKS),
  },
  {
    name: 'make',
    needs: ['make'],
    via: 'preload',
    reason: /^\/usr\/bin\/make imports posix_spawn$/,
    prepare(directory) {
      const words = Array.from({ length: 20 }, (_, i) => `step${i}`);
      const rules = words.map((word) => `${word}:\n\t@echo ${word}; test ${word} != step7x\n`).join('');
      return [
        'make',
        '-s',
        '-f',
        directory.write('makefile', `all: ${words.join(' ')}\n\t@echo done $$(echo sub) | cat; exit 3\n${rules}`),
      ];
    },
    status: 2,
    check: spawned('make', 'afork'),
  },
  {
    name: 'make, of a program that is missing',
    needs: ['make'],
    via: 'preload',
    reason: /imports posix_spawn/,
    prepare: (directory) => ['make', '-f', directory.write('makefile', 'all:\n\tno-such-program argument\n')],
    status: 2,
  },
  {
    name: 'perl',
    needs: ['perl'],
    via: 'none',
    reason: /^Perl: .* call fork$/,
    prepare: () => [
      'perl',
      '-e',
      'print `echo one`; system("echo two"); open P, "-|", "echo three" or die; print <P>; $|=1; system("sh -c \'exit 3\'"); exit $? >> 8',
    ],
    status: 3,
    check: spawned('perl', 'fork'),
  },
  {
    name: 'python3',
    needs: ['python3'],
    via: 'none',
    reason: /^Python: subprocess calls vfork, or fork, by itself/,
    prepare: () => [
      'python3',
      '-c',
      'import os, subprocess, sys; print(subprocess.run(["echo", "one"], capture_output=True)); sys.stdout.flush(); os.system("echo two"); sys.exit(4)',
    ],
    status: 4,
    check: spawned('python3', ...FORKS),
  },
  {
    name: 'bash',
    needs: ['bash'],
    via: 'none',
    reason: /^a shell: it forks for each command/,
    prepare: () => ['bash', '-c', 'for i in 1 2 3; do /bin/echo $i | cat; done; (echo sub; exit 6)'],
    status: 6,
    check: spawned('bash', 'fork'),
  },
  {
    name: 'tar with gzip',
    needs: ['tar', 'gzip'],
    via: 'none',
    reason: /^\/usr\/bin\/tar imports fork, which nothing can replace$/,
    prepare(directory) {
      directory.write('file', 'text\n'.repeat(10_000));
      return ['tar', '-czf', '-', '-C', directory.path, '--mtime=@0', 'file'];
    },
    check: spawned('tar', 'fork'),
  },
  {
    name: 'cmake',
    needs: ['cmake'],
    via: 'preload',
    reason: /cmake imports popen/,
    prepare(directory) {
      const script =
        'execute_process(COMMAND echo hello OUTPUT_VARIABLE said)\nmessage("said ${said}")\nmessage(FATAL_ERROR "end")\n';
      return ['cmake', '-P', directory.write('script.cmake', script)];
    },
    status: 1,
    check: spawned('cmake', 'fork'),
  },
  {
    name: 'ninja',
    needs: ['ninja'],
    via: 'preload',
    reason: /^\/usr\/bin\/ninja imports posix_spawn; .* imports fork as well/,
    prepare(directory) {
      const builds = Array.from({ length: 10 }, (_, i) => `build o${i}: run\n`).join('');
      directory.write(
        'build.ninja',
        `rule run\n  command = echo $out\nrule fail\n  command = false\n${builds}build end: fail | o1 o2\n`,
      );
      return ['ninja', '-C', directory.path, '-j1', '-n'];
    },
  },
  {
    name: 'ninja, building',
    needs: ['ninja'],
    via: 'preload',
    reason: /imports posix_spawn/,
    prepare(directory) {
      directory.write(
        'build.ninja',
        'rule run\n  command = echo $out\nbuild a: run\nbuild b: run | a\nbuild always: phony\n',
      );
      return ['ninja', '-C', directory.path, '-j1'];
    },
    check: spawned('ninja', 'afork'),
  },
  {
    name: 'a Rust program',
    needs: ['rustc'],
    via: 'preload',
    reason: /imports posix_spawnp/,
    prepare(directory) {
      const source = directory.write(
        'main.rs',
        'use std::process::Command;\nfn main() {\n  for i in 0..5 { let o = Command::new("echo").arg(i.to_string()).output().unwrap(); print!("{}", String::from_utf8(o.stdout).unwrap()); }\n' +
          '  println!("{:?}", Command::new("no-such-program").spawn().unwrap_err().kind());\n  let s = Command::new("sh").args(["-c", "exit 9"]).status().unwrap();\n  std::process::exit(s.code().unwrap());\n}\n',
      );
      execFileSync(found('rustc') ?? '', ['-o', join(directory.path, 'rusty'), source], {
        env: process.env,
        cwd: directory.path,
      });
      return [join(directory.path, 'rusty')];
    },
    status: 9,
    check: spawned('rusty', 'afork'),
  },
  {
    name: 'Java',
    needs: ['java', 'javac'],
    via: 'preload',
    reason: /^libjava.so imports posix_spawn$/,
    prepare(directory) {
      const source = directory.write(
        'Main.java',
        'public class Main { public static void main(String[] a) throws Exception { for (int i = 0; i < 3; i++) { Process p = new ProcessBuilder("sh", "-c", "echo child " + i + "; exit " + i).start();' +
          ' System.out.print(new String(p.getInputStream().readAllBytes())); System.out.println(p.waitFor()); }' +
          ' try { new ProcessBuilder("no-such-program").start(); } catch (java.io.IOException e) { System.out.println(e.getMessage()); } System.exit(5); } }',
      );
      execFileSync(found('javac') ?? '', ['-d', directory.path, source], { env });
      return ['java', '-cp', directory.path, 'Main'];
    },
    status: 5,
    check: spawned('java', 'afork'),
  },
  {
    name: 'npm, running a script',
    needs: ['npm', 'node'],
    via: 'node',
    reason: /^\/\S*\/node is Node.js$/,
    prepare(directory) {
      const inner = "node -e \"require('child_process').execSync('echo inner', {stdio: 'inherit'}); process.exit(7)\"";
      directory.write('package.json', JSON.stringify({ name: 'a', version: '1.0.0', scripts: { start: inner } }));
      return ['npm', '--prefix', directory.path, '--silent', 'start'];
    },
    status: 7,
    check: (run) =>
      assert.ok(run.programs.some(({ mechanism, comm }) => mechanism === 'afork' && comm.startsWith('n'))),
  },
  {
    name: 'esbuild, a bundler',
    needs: ['node'],
    needsNpm: 'esbuild',
    via: 'node',
    reason: / is Node.js$/,
    prepare(directory) {
      directory.write('b.js', 'export const b = 1 + 1;\n');
      const entry = directory.write('a.js', 'import { b } from "./b.js"; console.log(b);\n');
      const script = `require(${JSON.stringify(join(NPM ?? '', 'node_modules/esbuild'))}).build({ entryPoints: [${JSON.stringify(entry)}], bundle: true, write: false })
        .then(({ outputFiles }) => { console.log(outputFiles[0].text.replace(/^ *\\/\\/.*\\n/gm, '')); });`;
      return ['node', '-e', script];
    },
    check: spawned('node', 'afork'),
  },
  {
    name: 'vite, a bundler',
    needs: ['node'],
    needsNpm: 'vite',
    via: 'node',
    reason: / is Node.js$/,
    prepare(directory) {
      directory.write('index.html', '<script type="module" src="/a.js"></script>');
      directory.write('a.js', 'console.log(1 + 1);\n');
      return [
        join(NPM ?? '', 'node_modules/.bin/vite'),
        'build',
        '--emptyOutDir',
        '--outDir',
        join(directory.path, 'out'),
        directory.path,
      ];
    },
    normalise: (output) => output.replaceAll(/\d+(\.\d+)?ms/g, 'N ms'),
    check: spawned('node', 'afork'),
  },
  {
    name: 'vitest, a test runner',
    needs: ['node'],
    needsNpm: 'vitest',
    via: 'node',
    reason: / is Node.js$/,
    prepare(directory) {
      const source = `import { test, expect } from ${JSON.stringify(join(NPM ?? '', 'node_modules/vitest/dist/index.js'))};\n`;
      directory.write('a.test.js', `${source}test('good', () => expect(1 + 1).toBe(2));\n`);
      directory.write('b.test.js', `${source}test('bad', () => expect(1 + 1).toBe(3));\n`);
      return [
        join(NPM ?? '', 'node_modules/.bin/vitest'),
        'run',
        '--pool=forks',
        '--root',
        directory.path,
        '--no-color',
        '--reporter=tap-flat',
      ];
    },
    status: 1,
    normalise: (output) =>
      output
        .replaceAll(/time=[\d.]+ms|\d+(\.\d+)?m?s/g, 'N')
        .split('\n')
        .toSorted()
        .join('\n'),
    check: (run) => assert.ok(run.programs.filter(({ mechanism }) => mechanism === 'afork').length > 0),
  },
  {
    name: 'mocha, a test runner with worker processes',
    needs: ['node'],
    needsNpm: 'mocha',
    via: 'node',
    reason: / is Node.js$/,
    prepare(directory) {
      const a = directory.write('a.js', "it('good', () => {});\n");
      const b = directory.write('b.js', "it('bad', () => { throw new Error('bad'); });\n");
      return [join(NPM ?? '', 'node_modules/.bin/mocha'), '--parallel', '--jobs=2', a, b];
    },
    status: 1,
    normalise: (output) =>
      output
        .replaceAll(/\d+m?s/g, 'N')
        .split('\n')
        .toSorted()
        .join('\n'),
    check: (run) => assert.ok(run.programs.every(({ mechanism }) => mechanism === 'afork')),
  },
];

for (const { name, needs, needsNpm, via, reason, prepare, status = 0, check, normalise = String } of CASES) {
  const missing = needs.find((program) => !found(program));
  const noPackage = needsNpm !== undefined && !(NPM !== undefined && existsSync(join(NPM, 'node_modules', needsNpm)));
  const skip = missing !== undefined ? `no ${missing}` : noPackage && `no ${needsNpm}`;
  test(name, { skip }, async (t) => {
    using directory = temporaryDirectory();
    const command = prepare(directory);
    const before = new Set(readdirSync(directory.path));
    const plain = await runPlain(command, { env });
    const filesOfPlain = readdirSync(directory.path).filter((file) => !before.has(file));
    const relaunched = await runRelaunched([], command, { env });
    assert.equal(plain.status, status, plain.stderr);
    assert.equal(relaunched.status, status, relaunched.stderr);
    assert.equal(normalise(relaunched.stdout.toString('latin1')), normalise(plain.stdout.toString('latin1')));
    assert.equal(normalise(relaunched.stderr), normalise(plain.stderr));
    assert.deepEqual(
      readdirSync(directory.path).filter((file) => !before.has(file)),
      filesOfPlain,
    );
    const { report } = relaunched;
    assert.ok(report);
    assert.deepEqual([report.via, reason.test(report.reason)], [via, true], report.reason);
    const spawns = report.run.programs.map(({ comm, mechanism, spawns: count }) => `${comm} ${mechanism} ${count}`);
    t.diagnostic(`via ${report.via}: ${report.reason}; ${spawns.join(', ')}`);
    check?.(report.run);
  });
}
