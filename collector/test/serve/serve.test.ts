/** The whole exporter, on the live kernel. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cgroupRoot } from '../../system/cgroups.ts';
import { SPAWNLOAD, spawnload, uniqueComm } from '../../../testing/spawnload.ts';
import { parseSamples, valueOf } from '../../../testing/parse-metrics.ts';
import { runCli, startCli } from '../../../testing/run-cli.ts';
import { startServe } from '../../../testing/serve-process.ts';

/** Runs a program under a seccomp filter that answers one system call with an error. */
const REFUSE = fileURLToPath(new URL('../../../native/afork/build/test/refuse', import.meta.url));

describe('forktax serve', () => {
  it('shows exactly what was spawned, having given up its capabilities, and stops when told', async () => {
    await using serve = await startServe('--metrics=all');
    const status = readFileSync(`/proc/${serve.pid}/status`, 'utf8');
    assert.match(status, /^CapPrm:\s0+$/m);

    const comm = uniqueComm();
    const report = await spawnload('--comm', comm, '--count', 40, '--rss', 8 << 20);
    const missing = await spawnload('--comm', comm, '--mechanism', 'vfork', '--count', 7, '--exec-missing');
    assert.deepEqual([report.spawned, missing.spawned], [40, 7]);

    const samples = await serve.scrape();
    const forks = { comm, mechanism: 'fork' };
    assert.equal(valueOf(samples, 'forktax_spawns_total', forks), 40);
    assert.equal(valueOf(samples, 'forktax_spawn_stall_seconds_count', forks), 40);
    assert.equal(valueOf(samples, 'forktax_child_lifetime_seconds_bucket', { ...forks, le: '+Inf' }), 40);
    const stall = valueOf(samples, 'forktax_spawn_stall_seconds_sum', forks);
    assert.ok(stall > 0 && stall <= report.stallNs.sum / 1e9, `${stall} s of ${report.stallNs.sum} ns`);
    assert.ok(valueOf(samples, 'forktax_spawn_copied_rss_bytes_sum', forks) >= 40 * (8 << 20));
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm, mechanism: 'vfork' }), 7);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { comm, errno: 'ENOENT' }), 7);
    assert.equal(valueOf(samples, 'forktax_spawn_failures_total', { comm, errno: 'EAGAIN' }), 0);
    assert.equal(valueOf(samples, 'forktax_up'), 1);

    const { status: exit, stdout, stderr } = await serve.stop();
    assert.deepEqual([exit, stdout], [0, '']);
    assert.match(stderr, /level=info msg=stopping\n$/);
    const troubles = stderr.split('\n').filter((line) => /Warning|level=(warn|error)/.test(line));
    const ofTheHost = /the call hook is raw|not measured here: cowFaultTimes/;
    assert.deepEqual(
      troubles.filter((line) => !ofTheHost.test(line)),
      [],
    );
  });

  it('measures only what it is told to, in the way it is told to, for the process that asks', async () => {
    const comm = uniqueComm();
    await using serve = await startServe(`--comm=${comm}`, '--call-hook=raw', '--label=pid', '--web.telemetry-path=/');
    const report = await spawnload('--comm', comm, '--count', 3);
    await spawnload('--comm', uniqueComm(), '--count', 3);
    const text = await (await fetch(`${serve.url}/`)).text();
    assert.deepEqual(text.match(/^forktax_spawns_total\{.*/gm), [
      `forktax_spawns_total{comm="${comm}",mechanism="fork",syscall="fork",pid="${report.pid}"} 3`,
    ]);
    assert.match(text, /^forktax_engine_info\{engine="core",call_hook="raw"\} 1$/m);
    assert.equal((await serve.stop()).status, 0);
  });

  it('leaves out what a missing hook would feed, and says so', async () => {
    await using serve = await startServe('--without-hook=page_fault_user');
    const { absent } = (await (await fetch(`${serve.url}/api/v1/costs`)).json()) as { absent: unknown };
    const text = await (await fetch(`${serve.url}/metrics`)).text();
    assert.match(JSON.stringify(absent), /"faults","reason":"page_fault_user: switched off/);
    assert.match(text, /^forktax_hook_attached\{hook="page_fault_user"\} 0$/m);
    assert.doesNotMatch(text, /^# TYPE forktax_(cow_faults_total|cow_fault_seconds|child_page_faults)/m);
    assert.match((await serve.stop()).stderr, /level=warn msg="not measured here: faults" reason="page_fault_user: sw/);
  });

  it('streams events', async () => {
    const comm = uniqueComm();
    await using serve = await startServe(`--comm=${comm}`);
    const children = new Set<number>();
    let seen = '';
    const done = new Promise<void>((resolve) => {
      get(`${serve.url}/api/v1/events`, (response) => {
        response.setEncoding('utf8').on('data', (text: string) => {
          seen += text;
          for (const [, child] of seen.matchAll(/event: exit\ndata: .*"child":(\d+)/g)) children.add(Number(child));
          if (children.size >= 5) resolve();
        });
        response.on('error', () => {});
      });
    });
    // Waits until the client is connected.
    while (valueOf(await serve.scrape(), 'forktax_event_clients') === 0);
    const { spawns } = await spawnload('--comm', comm, '--count', 5);
    await done;
    assert.deepEqual([...children].toSorted(), spawns.map(({ pid }) => pid).toSorted());
    assert.equal((await serve.stop()).status, 0);
  });
});

test('a cgroup is named by its path, also when one of that name comes after it', async (t) => {
  const name = `forktax-test-${process.pid}`;
  const folder = join(cgroupRoot(), name);
  const comm = uniqueComm();
  await using serve = await startServe('--label=cgroup', `--comm=${comm}`);
  t.after(() => serve.stop());
  for (let round = 1; round <= 2; round++) {
    mkdirSync(folder);
    execFileSync('sh', ['-c', `echo $$ > ${folder}/cgroup.procs; exec ${SPAWNLOAD} --comm ${comm} --count 5`]);
    const samples = await serve.scrape();
    assert.equal(valueOf(samples, 'forktax_spawns_total', { comm, cgroup: `/${name}` }), 5 * round);
    rmdirSync(folder);
  }
  assert.equal(valueOf(await serve.scrape(), 'forktax_spawns_total', { comm, cgroup: `/${name}` }), 10);
  const costs = (await (await fetch(`${serve.url}/api/v1/costs`)).json()) as { rows: { cgroup: string }[] };
  assert.deepEqual(
    costs.rows.map((row) => row.cgroup),
    [`/${name}`, `/${name}`],
  );
});

test('--label=unit has the name that systemctl takes, and no path', async (t) => {
  const unit = `forktax-test-${process.pid}.service`;
  const folder = join(cgroupRoot(), unit);
  const comm = uniqueComm();
  mkdirSync(folder);
  t.after(() => rmdirSync(folder));
  await using serve = await startServe('--label=unit', `--comm=${comm}`);
  t.after(() => serve.stop());
  execFileSync('sh', ['-c', `echo $$ > ${folder}/cgroup.procs; exec ${SPAWNLOAD} --comm ${comm} --count 5`]);
  const counted = (await serve.scrape()).filter(({ name }) => name === 'forktax_spawns_total');
  assert.deepEqual(
    counted.map(({ labels, value }) => [labels['unit'], labels['cgroup'], value]),
    [[unit, undefined, 5]],
  );
});

test('warns of what the call hook raw costs the host, and names the command that avoids it', async () => {
  const withoutTracefs = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c'];
  const command = 'umount /sys/kernel/tracing 2>/dev/null; umount /sys/kernel/debug 2>/dev/null; exec "$@"';
  const before = [...withoutTracefs, command, 'sh'];
  const chosen = startCli(['serve', '--web.listen-address=127.0.0.1:0', '--call-hook=raw'], before);
  await chosen.said('msg=listening');
  chosen.child.kill('SIGTERM');
  assert.doesNotMatch((await chosen.result).stderr, /level=warn msg="the call hook/);

  const automatic = startCli(['serve', '--web.listen-address=127.0.0.1:0'], before);
  await automatic.said('msg=listening');
  automatic.child.kill('SIGTERM');
  const { stderr } = await automatic.result;
  const isRaw = stderr.includes('callHook=raw');
  const warning =
    /level=warn msg="the call hook is raw, which adds about 200 ns to every system call.* mount -t tracefs/;
  assert.equal(warning.test(stderr), isRaw, stderr);
});

describe('a log that cannot be written', () => {
  it('does not end the collector when its reader has gone', async () => {
    await using serve = await startServe();
    serve.closeLog();
    const comm = uniqueComm();
    for (let dropped = 0; dropped < 2;) {
      process.kill(serve.pid, 'SIGHUP');
      dropped = valueOf(await serve.scrape(), 'forktax_log_lines_dropped_total');
    }
    await spawnload('--comm', comm, '--count', 5);
    assert.equal(valueOf(await serve.scrape(), 'forktax_spawns_total', { comm }), 5);
    assert.equal((await serve.stop()).status, 0);
  });

  it('does not end the collector when the disk is full', async () => {
    const port = await freePort();
    const toFullDisk = ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'];
    const { child, result } = startCli(['serve', `--web.listen-address=127.0.0.1:${port}`], toFullDisk);
    const ask = () => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
    // It answers before it has tried to log so.
    for (let dropped = 0; dropped < 2;) {
      const text = await ask().catch(() => undefined);
      if (text !== undefined) dropped = valueOf(parseSamples(text), 'forktax_log_lines_dropped_total');
    }
    child.kill('SIGTERM');
    assert.equal((await result).status, 0);
  });
});

/** A port that nobody listens on, as far as can be known. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('forktax serve says why it cannot start', () => {
  const wrong: readonly [string[], string][] = [
    [['--web.max-requests=lots'], 'web.max-requests (flag): must be a whole number from 0 to 1000000, not "lots"'],
    [['--cgroup=/no/such'], `cgroup: there is no cgroup /no/such (${join(cgroupRoot(), 'no/such')})`],
    [
      ['--web.config.file=/nowhere'],
      "web.config.file: cannot read /nowhere: ENOENT: no such file or directory, open '/nowhere'",
    ],
  ];
  for (const [args, message] of wrong) {
    it(args.join(' '), async () => {
      const stderr = `forktax: ${message}\nCorrect the setting that the message names; docs/configuration.md lists all settings. [FORKTAX_CONFIG]\n`;
      const result = await runCli('serve', '--log.level=error', ...args);
      assert.deepEqual(result, { status: 2, stdout: '', stderr });
    });
  }

  it('a hook that is none', async () => {
    const { status, stderr } = await runCli('serve', '--log.level=error', '--without-hook=page_fault');
    assert.equal(status, 2);
    assert.match(
      stderr,
      /^forktax: without-hook: there is no hook page_fault here; the hooks are .*sched_process_exec/,
    );
  });

  it('a port that is taken', async (t) => {
    await using serve = await startServe();
    t.after(() => serve.stop());
    const address = serve.url.replace('http://', '');
    const { status, stderr } = await runCli('serve', '--log.level=error', `--web.listen-address=${address}`);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `forktax: cannot listen on ${address}: another program listens there\n` +
        'Choose another address with --web.listen-address. [FORKTAX_LISTEN]\n',
    );
  });
});

/** Numbers of x86-64 and arm64: asm/unistd.h. */
const SYS_CAPSET = process.arch === 'arm64' ? 91 : 126;
const EPERM = 1;

test('a sandbox in which capabilities cannot be given up is an error with its code, and nothing listens on', async () => {
  const before = [REFUSE, String(EPERM), String(SYS_CAPSET)];
  const { status, stdout, stderr } = await startCli(['serve', '--web.listen-address=127.0.0.1:0'], before).result;
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /^forktax: capabilities cannot be given up: .*\n.*capset.* \[FORKTAX_CAPABILITIES\]\n$/m);
  assert.doesNotMatch(stderr, /^ +at |msg=listening/m);
});

test('--config.check prints the settings in force and starts nothing', async (t) => {
  const file = join(process.env['TMPDIR'] ?? '/tmp', `forktax-${process.pid}.yaml`);
  writeFileSync(file, 'label: cgroup\n');
  t.after(() => execFileSync('rm', [file]));
  const { status, stdout, stderr } = await runCli('serve', `--config.file=${file}`, '--config.check', '--pid=7');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^label: cgroup$/m);
  assert.match(stdout, /^pid: 7$/m);
});
