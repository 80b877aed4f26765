'use strict';
// CommonJS, because it is the one way to say "beside this file" that is the same in the sources and in dist/.
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const built = join(__dirname, 'build/afork.node');

// Built beside this file, or in the package that npm puts beside this one, for this processor and glibc.
exports.loadAddon = () => require(existsSync(built) ? built : installed());

function installed() {
  try {
    return require.resolve(`afork-linux-${process.arch}/afork.node`);
  } catch (cause) {
    throw new Error(
      `afork has no addon for ${describeSystem()}; it needs Linux, x64 or arm64, glibc 2.28 or later, and npm without --omit=optional`,
      { cause },
    );
  }
}

function describeSystem() {
  const { glibcVersionRuntime } = process.report.getReport().header;
  return `${process.platform} ${process.arch} with ${glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'another C library than glibc'}`;
}
