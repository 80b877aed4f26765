/** Real servers answer the same with relaunch. Servers that are not installed are skipped. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FORKTAX, programOf, type RelaunchReport } from '../run.ts';
import { temporaryDirectory, type TemporaryDirectory } from '../temporary.ts';

const PATH = ['/usr/sbin', '/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter)];
const skipWithout = (...programs: string[]) => {
  const missing = programs.find((program) => !PATH.some((directory) => existsSync(join(directory, program))));
  return missing !== undefined && `no ${missing}`;
};

interface Server {
  readonly child: ChildProcess;
  /** Asks the server to end; gives its status, and its report if it was relaunched. */
  end(signal: NodeJS.Signals): Promise<{ status: number | null; report: RelaunchReport | undefined }>;
}

function start(directory: TemporaryDirectory, command: readonly string[], isRelaunched: boolean): Server {
  const report = directory.write('report', '');
  const before = isRelaunched ? [...FORKTAX, 'relaunch', '--json', '--report', report, '--'] : [];
  const [program = '', ...args] = [...before, ...command];
  const env = { ...process.env, PATH: PATH.join(delimiter) };
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], env, cwd: directory.path });
  return {
    child,
    async end(signal) {
      child.kill(signal);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const text = readFileSync(report, 'utf8');
      const { exitCode, signalCode } = child;
      const status = signalCode ? 128 + constants.signals[signalCode] : exitCode;
      return { status, report: text === '' ? undefined : (JSON.parse(text) as RelaunchReport) };
    },
  };
}

async function until(path: string): Promise<void> {
  for (let i = 0; i < 3000 && !existsSync(path); i++) await sleep(20);
}

/** Sends lines to a socket, pauses after each, and gives the answers. */
async function converse(path: string, lines: readonly string[]): Promise<string> {
  const socket = connect(path);
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => (said += text));
  for (const line of lines) {
    const answered = once(socket, 'data');
    socket.write(`${line}\r\n`);
    await answered;
  }
  socket.end();
  return said;
}

test('redis-server, saving', { skip: skipWithout('redis-server'), timeout: 120_000 }, async () => {
  const answers: string[] = [];
  const statuses: (number | null)[] = [];
  for (const isRelaunched of [false, true]) {
    using directory = temporaryDirectory();
    const socket = join(directory.path, 'socket');
    const command = ['redis-server', '--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory.path];
    const server = start(directory, command, isRelaunched);
    await until(socket);
    answers.push(await converse(socket, ['SET key value', 'GET key', 'BGSAVE', 'GET key']));
    await until(join(directory.path, 'dump.rdb'));
    const { status, report } = await server.end('SIGTERM');
    statuses.push(status);
    if (!isRelaunched) continue;
    assert.ok(report);
    assert.deepEqual([report.via, report.reason.slice(0, 25)], ['none', 'Redis: it forks itself to']);
    const { mechanism, spawns, execs } = programOf(report.run, 'redis-server');
    assert.deepEqual([mechanism, spawns, execs], ['fork', 1, 0]);
  }
  assert.deepEqual(statuses, [0, 0]);
  assert.equal(answers[1], answers[0]);
  assert.equal(answers[0], '+OK\r\n$5\r\nvalue\r\n+Background saving started\r\n$5\r\nvalue\r\n');
});

const CONFIG = `
daemon off; worker_processes 1; pid nginx.pid; error_log stderr emerg; user root;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path tmp; fastcgi_temp_path tmp; proxy_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server {
    listen unix:http;
    location / { fastcgi_pass unix:cgi; fastcgi_param SCRIPT_FILENAME DIRECTORY/program; fastcgi_param QUERY_STRING $query_string; }
  }
}
`;

test('nginx, with CGI programs', { skip: skipWithout('nginx', 'fcgiwrap'), timeout: 120_000 }, async () => {
  const answers: string[][] = [];
  const statuses: (number | null)[][] = [];
  for (const isRelaunched of [false, true]) {
    using directory = temporaryDirectory();
    using other = temporaryDirectory();
    directory.write(
      'program',
      '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "hello $QUERY_STRING" | tr a-z A-Z\n',
    );
    directory.write('nginx.conf', CONFIG.replaceAll('DIRECTORY', directory.path));
    const [cgi, http] = [join(directory.path, 'cgi'), join(directory.path, 'http')];
    // Without -c: workers would outlive their master.
    const wrapper = start(other, ['fcgiwrap', '-s', `unix:${cgi}`], isRelaunched);
    const nginx = start(directory, ['nginx', '-p', directory.path, '-c', 'nginx.conf'], isRelaunched);
    await Promise.all([until(cgi), until(http)]);
    const own: string[] = [];
    for (let i = 0; i < 5; i++) own.push(await get(http, `/?n${i}`));
    answers.push(own);
    const ends = [await nginx.end('SIGQUIT'), await wrapper.end('SIGTERM')];
    statuses.push(ends.map(({ status }) => status));
    if (!isRelaunched) continue;
    const [ofNginx, ofWrapper] = ends.map(({ report }) => report);
    assert.ok(ofNginx && ofWrapper);
    assert.match(`${ofNginx.via}: ${ofNginx.reason}`, /^none: nginx: its master forks the workers/);
    assert.deepEqual(
      ofNginx.run.programs.map(({ mechanism, spawns, execs }) => [mechanism, spawns, execs]),
      [['fork', 1, 0]],
    );
    assert.match(
      `${ofWrapper.via}: ${ofWrapper.reason}`,
      /^preload: libfcgi.so.0 imports popen; .*fcgiwrap imports fork as well, which nothing/,
    );
    const { mechanism, spawns } = programOf(ofWrapper.run, 'fcgiwrap');
    assert.deepEqual([mechanism, spawns], ['fork', 5]);
  }
  assert.deepEqual(statuses[1], statuses[0]);
  assert.deepEqual(answers[1], answers[0]);
  assert.deepEqual(answers[0]?.[3], 'HELLO N3\n');
});

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path }, (response) => {
      void response
        .setEncoding('utf8')
        .toArray()
        .then((chunks) => resolve(chunks.join('')));
    });
    call.once('error', reject).end();
  });
}
