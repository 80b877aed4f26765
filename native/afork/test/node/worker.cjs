// Spawns in a worker thread, one way and the other.
'use strict';
const { execFileSync, spawn } = require('node:child_process');
const { parentPort } = require('node:worker_threads');

const child = spawn('cat');
let output = '';
child.stdout.on('data', (chunk) => (output += chunk));
child.on('close', (...end) => parentPort.postMessage([output, end, String(execFileSync('echo', ['sync']))]));
child.stdin.end('through a worker');
