import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NODE_FLAGS } from '../../testing/run-cli.ts';

const ATTACK = fileURLToPath(new URL('../attack.ts', import.meta.url));

describe('npm run test:attack', () => {
  it('breaks no promise in its short form', async (context) => {
    const { stdout } = await promisify(execFile)(process.execPath, [...NODE_FLAGS, ATTACK, '--short']);
    context.diagnostic(stdout);
    assert.match(stdout, /GET \/api\/v1\/sites/);
    assert.match(stdout, /300 wrong passwords/);
  });
});
