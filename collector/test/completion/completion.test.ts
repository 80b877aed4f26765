import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { buildProgram } from '../../program.ts';
import { allNodes, commandTree } from '../../terminal/command-tree.ts';
import { bashCompletion } from '../../completion/bash.ts';
import { fishCompletion } from '../../completion/fish.ts';
import { zshCompletion } from '../../completion/zsh.ts';

const root = commandTree(buildProgram());

/** Gives what a real bash offers for the last word. `words` are the words that bash makes of the line. */
function complete(...words: string[]): string[] {
  const script = `${bashCompletion(root)}
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_forktax
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8' });
  return output.split('\n').filter((word) => word !== '');
}

test('bash completes commands', () => {
  assert.deepEqual(complete('forktax', 'sn'), ['snoop']);
  const all = complete('forktax', '');
  for (const { name } of root.commands) assert.ok(all.includes(name), name);
});

test('bash completes the options of the command', () => {
  assert.deepEqual(complete('forktax', 'snoop', '--min'), ['--min-stall']);
  assert.deepEqual(complete('forktax', '--json', 'hist', '5', '--ti'), ['--timestamp']);
  assert.deepEqual(complete('forktax', 'doctor', '--min'), []);
});

test('bash completes the values of an option, also after =', () => {
  assert.deepEqual(complete('forktax', 'hist', '--by', ''), ['mechanism', 'spawner']);
  assert.deepEqual(complete('forktax', 'hist', '--of', 'l'), ['lifetime']);
  assert.deepEqual(complete('forktax', 'hist', '--by', '=', 's'), ['spawner']);
  assert.deepEqual(complete('forktax', 'hist', '--by', '='), ['mechanism', 'spawner']);
  assert.deepEqual(complete('forktax', 'completion', 'f'), ['fish']);
});

test('bash offers nothing of its own where a free value stands, or after --', () => {
  assert.deepEqual(complete('forktax', 'snoop', '-p', ''), []);
  assert.deepEqual(complete('forktax', 'snoop', '--', ''), []);
});

test('each script names every command and every long option', () => {
  const scripts = { bash: bashCompletion(root), zsh: zshCompletion(root), fish: fishCompletion(root) };
  for (const { name, options } of allNodes(root)) {
    for (const [shell, script] of Object.entries(scripts)) {
      assert.ok(script.includes(name), `${shell}: ${name}`);
      for (const { flags } of options) {
        const flag = flags.at(-1) ?? '';
        assert.ok(script.includes(shell === 'fish' ? `-l ${flag.slice(2)}` : flag), `${shell}: ${flag}`);
      }
    }
  }
});
