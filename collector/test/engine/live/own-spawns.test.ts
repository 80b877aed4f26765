/** forktax does not count its own spawns, even if it does not know its own pid in the kernel. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { uniqueComm } from '../../../../testing/spawnload.ts';

const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Prints how many spawns of its own were counted, and how many of a shell that spawned the same number. */
const PROGRAM = `
  import { execFileSync } from 'node:child_process';
  import { openCoreEngine } from ${url('../../../engine/core/engine.ts')};
  import { DEFAULT_ENGINE_OPTIONS } from ${url('../../../model/options.ts')};
  const [comm, shell] = process.argv.slice(1);
  process.title = comm;
  const engine = openCoreEngine(DEFAULT_ENGINE_OPTIONS);
  execFileSync('sh', ['-c', \`echo -n \${shell} >/proc/$$/comm; (:); (:); (:); :\`]);
  execFileSync('true');
  execFileSync('true');
  const { rows } = engine.snapshot();
  const count = (name) => rows.filter((row) => row.comm === name).reduce((sum, row) => sum + row.spawns, 0);
  console.log(JSON.stringify([count(comm), count(shell)]));
  engine.close();
`;

const WHERE: Readonly<Record<string, readonly string[]>> = {
  'where everybody is': [],
  'in a pid namespace': ['unshare', '--pid', '--fork', '--mount-proc'],
};

for (const [where, before] of Object.entries(WHERE))
  test(`its own spawns are not counted ${where}`, () => {
    const node = [process.execPath, ...process.execArgv.filter((flag) => flag.includes('strip-types'))];
    const script = ['--input-type=module', '-e', PROGRAM, uniqueComm(), uniqueComm()];
    const [command = '', ...args] = [...before, ...node, ...script];
    assert.deepEqual(JSON.parse(execFileSync(command, args, { encoding: 'utf8' })), [0, 3]);
  });
