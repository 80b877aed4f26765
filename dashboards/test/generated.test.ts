import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { generatedFiles } from '../generated-files.ts';

const FOLDER = new URL('../generated/', import.meta.url);

describe('generated files', () => {
  for (const [path, content] of generatedFiles()) {
    it(`${path} is current (npm run generate)`, () => {
      assert.equal(readFileSync(new URL(basename(path), FOLDER), 'utf8'), content);
    });
  }

  it('has no others', () => {
    const names = [...generatedFiles().keys()].map((path) => basename(path));
    assert.deepEqual(readdirSync(FOLDER).toSorted(), names.toSorted());
  });
});
