/** `forktax serve` as a service notifies systemd, and reloads on SIGHUP. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { runCli, startCli } from '../../../testing/run-cli.ts';
import { startServe } from '../../../testing/serve-process.ts';

/** Listens on a datagram socket as systemd does, which Node.js cannot. Prints each line that it receives. */
const LISTENER = `
  use Socket;
  $| = 1;
  socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die;
  my $name = $ARGV[0];
  $name =~ s/^@/\\0/;
  bind($socket, pack_sockaddr_un($name)) or die;
  print "listening\\n";
  while (defined recv($socket, my $said, 4096, 0)) { print "$said\\n" }
`;

async function startManager(t: TestContext, name: string) {
  const perl = spawn('perl', ['-e', LISTENER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => perl.kill());
  const lines = createInterface(perl.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value ?? 'ended';
  assert.equal(await next(), 'listening');
  return next;
}

/** Runs a test with these environment variables, from which serve starts as from systemd. */
async function withEnvironment<T>(environment: Readonly<Record<string, string>>, run: () => Promise<T>): Promise<T> {
  Object.assign(process.env, environment);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name];
  }
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-service-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('it tells systemd that it is ready, reloads and stops, also by an abstract socket', async (t) => {
  for (const name of [join(temporaryFolder(t), 'notify'), `@forktax-test-${process.pid}`]) {
    const next = await startManager(t, name);
    const serve = await withEnvironment({ NOTIFY_SOCKET: name }, () => startServe());
    const ready = ['READY=1', 'STATUS=measuring every process spawn'];
    assert.deepEqual([await next(), await next()], ready);
    process.kill(serve.pid, 'SIGHUP');
    assert.equal(await next(), 'RELOADING=1');
    assert.match(await next(), /^MONOTONIC_USEC=\d+$/);
    assert.deepEqual([await next(), await next()], ready);
    const stopped = serve.stop();
    assert.equal(await next(), 'STOPPING=1');
    assert.equal((await stopped).status, 0);
  }
});

test('it gives signs of life when systemd wants them', async (t) => {
  const name = join(temporaryFolder(t), 'notify');
  const next = await startManager(t, name);
  const serve = await withEnvironment({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '20000' }, () => startServe());
  assert.deepEqual([await next(), await next()], ['READY=1', 'STATUS=measuring every process spawn']);
  for (let sign = 1; sign <= 3; sign++) assert.equal(await next(), 'WATCHDOG=1');
  await serve.stop();
});

test('SIGHUP does not end it, and has it read the web configuration, changed or not', async (t) => {
  const file = join(temporaryFolder(t), 'web.yml');
  writeFileSync(file, 'http_server_config: {headers: {X-Frame-Options: deny}}\n');
  const serve = await startServe(`--web.config.file=${file}`);
  process.kill(serve.pid, 'SIGHUP');
  await serve.said('msg="web.config.file was read again"');
  writeFileSync(file, 'nonsense\n');
  process.kill(serve.pid, 'SIGHUP');
  await serve.said('web.config.file has an error, so the settings in force stay');
  assert.equal((await fetch(`${serve.url}/-/healthy`)).headers.get('x-frame-options'), 'deny');
  assert.equal((await serve.stop()).status, 0);
});

test('a manager that cannot be reached is no reason to end', async () => {
  const serve = await withEnvironment({ NOTIFY_SOCKET: '/nowhere/notify', WATCHDOG_USEC: '2000' }, () => startServe());
  await serve.said('cannot notify');
  process.kill(serve.pid, 'SIGHUP');
  await serve.said('SIGHUP');
  const { status, stderr } = await serve.stop();
  assert.equal(status, 0);
  assert.deepEqual(stderr.match(/level=\w+ msg="[^"]*service manager.*/g), [
    'level=warn msg="cannot notify the service manager at NOTIFY_SOCKET: cannot reach the service manager: No such file or directory"',
  ]);
});

/** Opens a socket and passes it on as descriptor 3, as systemd does. Descriptors up to $^F stay open across exec. */
const ACTIVATOR = `
  use Socket;
  use POSIX ();
  $^F = 3;
  socket(my $socket, PF_INET, SOCK_STREAM, 0) or die;
  bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die;
  listen($socket, 8) or die;
  fileno($socket) == 3 or POSIX::dup2(fileno($socket), 3) or die;
  @ENV{'LISTEN_PID', 'LISTEN_FDS'} = ($$, 1);
  exec(@ARGV);
`;

test('it listens on the socket that systemd passes', async () => {
  const cli = startCli(['serve', '--web.systemd-socket'], ['perl', '-e', ACTIVATOR]);
  let log = '';
  cli.child.stderr?.on('data', (text: string) => (log += text));
  await cli.said('msg=listening');
  const url = /url=(http:\/\/127\.0\.0\.1:\d+)\//.exec(log)?.[1];
  assert.equal(await (await fetch(`${url}/-/ready`)).text(), 'forktax is ready.\n');
  cli.child.kill();
  assert.equal((await cli.result).status, 0);
});

test('a socket that was passed to another, or to nobody, is an error that says so', async () => {
  const { status, stderr } = await runCli('serve', '--web.systemd-socket', '--log.level=error');
  assert.equal(status, 1);
  assert.match(stderr, /^forktax: web\.systemd-socket: systemd passed no socket/);
});
