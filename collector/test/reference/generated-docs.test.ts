import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERRORS } from '../../model/errors.ts';
import { generatedDocs } from '../../reference/generated-docs.ts';
import { buildProgram } from '../../program.ts';
import { allNodes, commandTree } from '../../terminal/command-tree.ts';

const top = new URL('../../../', import.meta.url);

test('the committed documents are those that the code makes', () => {
  for (const [path, content] of generatedDocs()) {
    assert.equal(
      readFileSync(new URL(path, top), 'utf8'),
      content,
      `${path}: run scripts/node scripts/generate-docs.ts`,
    );
  }
});

test('the manual page renders without a complaint, and has every command and option', () => {
  const page = generatedDocs().get('docs/forktax.1') ?? '';
  const groff = ['-man', '-Tascii', '-ww', '-P-cbou'];
  const rendered = execFileSync('sh', ['-c', `groff ${groff.join(' ')} 2>&1`], { input: page, encoding: 'utf8' });
  assert.match(rendered, /^FORKTAX\(1\) +User Commands +FORKTAX\(1\)\n/);
  assert.doesNotMatch(rendered, /warning|error:/);
  for (const { path, options } of allNodes(commandTree(buildProgram()))) {
    assert.ok(rendered.includes(path), path);
    for (const { term } of options) assert.ok(rendered.includes(term), term);
  }
});

test('every error code is used', () => {
  const sources = execFileSync('git', ['grep', '-hoE', "'FORKTAX_[A-Z_]+'", '--', '*.ts', ':!*test*'], {
    cwd: top,
    encoding: 'utf8',
  });
  const used = new Set(sources.match(/FORKTAX_[A-Z_]+/g));
  for (const code of Object.keys(ERRORS)) assert.ok(used.has(code), code);
});
