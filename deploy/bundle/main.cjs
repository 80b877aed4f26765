// Runs forktax.cjs with the code cache that make-code-cache.cjs wrote: V8 then parses and compiles next to nothing at start.
// V8 rejects a cache that was made by another version or with other flags; forktax then starts as without one.
'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script, constants } = require('node:vm');
const { wrap } = require('node:module');

const NAME = 'forktax.cjs';
const filename = join(__dirname, NAME);

function codeCache() {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}

// The bundle is ASCII: one byte a character on the heap.
const script = new Script(wrap(readFileSync(filename, 'latin1')), {
  filename: NAME, // without its folder: the cache holds it, and is the same wherever it is made
  cachedData: codeCache(),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
script.runInThisContext()(exports, require, module, filename, __dirname);
module.exports = script;
