/** A program that runs bpftrace, for tests that end it. Says `started` when the script runs; FLOOD: never reads much. */

import { run } from '../../lib/index.ts';

const flood = 'interval:us:200 { unroll(20) { printf("%d %s\\n", @n, "a line of some length"); @n++; } }';
const text = process.env['FLOOD'] ? flood : 'interval:ms:100 { printf("tick\\n"); }';
process.on('uncaughtException', () => process.exit(1));
const trace = await run({ script: { text }, maxQueuedBytes: 1000 });
process.stdout.write('started\n');
if (process.env['FLOOD']) await new Promise(() => setInterval(() => undefined, 1 << 30));
for await (const message of trace) if (message.type === 'unknown') throw new Error(message.json);
