import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tryReadBytes, tryReadText } from '../../system/files.ts';
import { temporaryDirectory } from '../relaunch/temporary.ts';

test('a file that cannot be read is empty, and bytes are kept', () => {
  using directory = temporaryDirectory();
  assert.deepEqual(tryReadBytes(`${directory.path}/missing`), Buffer.alloc(0));
  assert.equal(tryReadText(directory.path), '', 'a directory');
  const bytes = Buffer.from([0, 0xff, 0x41]);
  assert.deepEqual(tryReadBytes(directory.write('file', bytes)), bytes);
  assert.equal(tryReadText(`${directory.path}/file`), '\0\xffA');
});
