// Writes forktax.cjs.cache beside the forktax.cjs in FOLDER, for the Node.js that runs this, with its flags:
//   node --hash-seed=1 --random-seed=1 --no-sparkplug [FLAG...] make-code-cache.cjs FOLDER
// The same Node.js gives the same bytes: the seeds are fixed while code is compiled, nothing is thrown away, and functions carry no
// mark of the baseline compiler, which is about when it had time. The flags that do this are then taken back, because V8 accepts a
// cache only where its flags are the same.
'use strict';
const { writeFileSync, rmSync } = require('node:fs');
const { resolve } = require('node:path');
const { setFlagsFromString } = require('node:v8');

const folder = resolve(process.argv[2]);
const output = `${folder}/forktax.cjs.cache`;
rmSync(output, { force: true });
setFlagsFromString('--no-flush-bytecode');
// A command that loads all that `serve` needs, and ends.
process.argv = [process.argv[0], `${folder}/main.cjs`, 'serve', '--config.check'];
process.stdout.write = () => true;
const script = require(`${folder}/main.cjs`);
process.on('exit', () => {
  for (const flag of ['--flush-bytecode', '--sparkplug', '--hash-seed=0', '--random-seed=0']) setFlagsFromString(flag);
  writeFileSync(output, script.createCachedData());
});
