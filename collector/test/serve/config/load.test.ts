import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { formatConfig, loadConfig, type Sources } from '../../../serve/config/load.ts';
import { DEFAULT_PORT } from '../../../model/address.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-config-'));
after(() => rm(folder, { recursive: true }));

function write(yaml: string): string {
  const path = join(folder, 'forktax.yaml');
  writeFileSync(path, yaml);
  return path;
}

function load(sources: Partial<Sources>) {
  return loadConfig({ flags: {}, environment: {}, ...sources });
}

function assertRefused(sources: Partial<Sources>, message: string) {
  return assert.rejects(load(sources), (error: Error & { code?: string }) => {
    assert.equal(error.message.replaceAll(folder, ''), message);
    return error.code === 'FORKTAX_CONFIG';
  });
}

describe('settings', () => {
  it('have defaults: loopback only', async () => {
    const config = await load({});
    assert.deepEqual(config['web.listen-address'], [`127.0.0.1:${DEFAULT_PORT}`]);
    assert.equal(config['web.telemetry-path'], '/metrics');
    assert.equal(config['web.max-requests'], 40);
    assert.equal(config.comm, undefined);
  });

  it('come from defaults, file, environment and flags; the later wins', async () => {
    const file = write('max-spawners: 1\nlabel: cgroup\nweb: {max-requests: 1, telemetry-path: /file}\npid: 1\n');
    const environment = { FORKTAX_WEB_MAX_REQUESTS: '2', FORKTAX_WEB_TELEMETRY_PATH: '/env', FORKTAX_PID: '2' };
    const flags = { 'web.telemetry-path': '/flag', pid: '3' };
    const config = await load({ file, environment, flags });
    assert.equal(config['log.level'], 'info');
    assert.equal(config['max-spawners'], 1);
    assert.equal(config.label, 'cgroup');
    assert.equal(config['web.max-requests'], 2);
    assert.equal(config['web.telemetry-path'], '/flag');
    assert.equal(config.pid, 3);
  });

  it('that are lists may be one, and the later list replaces the earlier', async () => {
    const file = write('web.listen-address: ":1"\nwithout-hook: [a, b]\n');
    assert.deepEqual((await load({ file }))['web.listen-address'], [':1']);
    const environment = { FORKTAX_WEB_LISTEN_ADDRESS: '[::1]:2, localhost:3', FORKTAX_WITHOUT_HOOK: '' };
    const config = await load({ file, environment, flags: { 'without-hook': ['c'] } });
    assert.deepEqual(config['web.listen-address'], ['[::1]:2', 'localhost:3']);
    assert.deepEqual(config['without-hook'], ['c']);
  });

  it('may name their file in the environment, which the flag overrides', async () => {
    const environment = { FORKTAX_CONFIG_FILE: write('pid: 7') };
    assert.equal((await load({ environment })).pid, 7);
    await assert.rejects(
      load({ environment, file: '/nowhere.yaml' }),
      /^ForktaxError: config.file: cannot read \/nowh/,
    );
  });

  it('read what they print', async () => {
    const flags = {
      'web.listen-address': [':1', ':2'],
      comm: 'node',
      cgroup: '77',
      'web.disable-exporter-metrics': true,
    };
    const config = await load({ flags });
    assert.deepEqual(await load({ file: write(formatConfig(config)) }), config);
  });

  it('of other programs in the environment are none of theirs', async () => {
    await load({ environment: { FORKTAX_SERVICE_HOST: '10.0.0.1', FORKTAX_PORT_19435_TCP: 'tcp://10.0.0.1:19435' } });
  });
});

describe('a wrong setting is named, with where it stands and what to write', () => {
  const wrong: readonly [string, string][] = [
    [
      'web: {max-request: 3}',
      'web.max-request (/forktax.yaml): there is no such setting; did you mean web.max-requests?',
    ],
    [
      'listen-address: [":1"]',
      'listen-address (/forktax.yaml): there is no such setting; did you mean web.listen-address?',
    ],
    [
      'web: {listen_address: ":1"}',
      'web.listen_address (/forktax.yaml): there is no such setting; did you mean web.listen-address?',
    ],
    ['colour: red', 'colour (/forktax.yaml): there is no such setting'],
    ['log: debug', 'log (/forktax.yaml): must hold settings by name'],
    ['[1, 2]', 'config.file (/forktax.yaml): must hold settings by name'],
    [
      'web: {max-requests: lots}',
      'web.max-requests (/forktax.yaml): must be a whole number from 0 to 1000000, not "lots"',
    ],
    ['web: {max-requests: 1.5}', 'web.max-requests (/forktax.yaml): must be a whole number from 0 to 1000000, not 1.5'],
    ['web: {max-requests:}', 'web.max-requests (/forktax.yaml): must be a whole number from 0 to 1000000, not null'],
    ['label: uid', 'label (/forktax.yaml): must be one of none, cgroup, unit, container, pod, pid, not "uid"'],
    [
      'web: {telemetry-path: metrics}',
      'web.telemetry-path (/forktax.yaml): must be a path that begins with /, not "metrics"',
    ],
    [
      'web: {telemetry-path: /api/x}',
      'web.telemetry-path (/forktax.yaml): must not lie below /-/ or /api/, where other things are, not "/api/x"',
    ],
    ['web: {listen-address: []}', 'web.listen-address (/forktax.yaml): must name an address, not []'],
    [
      'comm: a-name-of-16-by-',
      'comm (/forktax.yaml): must have at most 15 bytes: the kernel cuts the names of processes there, not "a-name-of-16-by-"',
    ],
    ['pid: 1\npid: 2', 'config.file: cannot read /forktax.yaml: Map keys must be unique at line 2, column 1'],
  ];
  for (const [yaml, message] of wrong) {
    it(JSON.stringify(yaml), () => assertRefused({ file: write(yaml) }, message));
  }

  it('in the environment', () =>
    assertRefused(
      { environment: { FORKTAX_WEB_LISTEN_ADDRESS: 'localhost' } },
      'web.listen-address (FORKTAX_WEB_LISTEN_ADDRESS): must be host:port, [address]:port or :port, not ["localhost"]',
    ));

  it('on the command line', () =>
    assertRefused({ flags: { pid: '0' } }, 'pid (flag): must be a whole number from 1 to 4194304, not "0"'));

  it('with all others', () =>
    assertRefused(
      { file: write('colour: red\nweb: {max-request: 3}\nlog: debug'), flags: { pid: '0' } },
      `4 problems:
  colour (/forktax.yaml): there is no such setting
  web.max-request (/forktax.yaml): there is no such setting; did you mean web.max-requests?
  log (/forktax.yaml): must hold settings by name
  pid (flag): must be a whole number from 1 to 4194304, not "0"`,
    ));

  it('also where a flag overrides it', () =>
    assertRefused(
      { file: write('pid: x'), flags: { pid: '1' } },
      'pid (/forktax.yaml): must be a whole number from 1 to 4194304, not "x"',
    ));
});
