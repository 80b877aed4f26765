import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Agent, get, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { watchWebConfig, type WatchedWebConfig } from '../../../serve/config/watch.ts';
import { listen, type Listening } from '../../../serve/http/listen.ts';
import { createCertificates } from './certificates.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const certificates = createCertificates();
certificates.issue('server', 'DNS:localhost,IP:127.0.0.1');
certificates.issue('next', 'DNS:localhost,IP:127.0.0.1');
certificates.issue('client', 'DNS:prometheus.example,URI:spiffe://a/b');
const path = join(certificates.folder, 'web.yml');
const ca = certificates.read('ca.crt');
const client = { cert: certificates.read('client.crt'), key: certificates.read('client.key') };

const open: (Listening | WatchedWebConfig)[] = [];
after(async () => {
  for (const one of open) await one.close();
  await rm(certificates.folder, { recursive: true });
});

interface Served {
  readonly port: number;
  readonly errors: string[];
  readonly changes: number[];
}

const SERVER = 'cert_file: server.crt, key_file: server.key';

async function serve(tls: string, lookMs = 60_000): Promise<Served> {
  writeFileSync(path, `tls_server_config: {${tls}}\n`);
  const served = { errors: [] as string[], changes: [] as number[] };
  let listening: Listening | undefined;
  const watched = await watchWebConfig({
    path,
    lookMs,
    onError: (error) => served.errors.push(error.message),
    onChange: (config) => {
      served.changes.push(Date.now());
      if (config.tls) listening?.useCertificates(config.tls);
    },
  });
  listening = await listen(buildTestApp(), ['127.0.0.1:0'], watched.current);
  open.push(listening, watched);
  return { ...served, port: Number(listening.addresses[0]?.split(':')[1]) };
}

/** The status and the serial number of the server's certificate. */
function ask(port: number, options: RequestOptions = {}): Promise<{ status: number | undefined; serial: string }> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ maxCachedSessions: 0 });
    const request = get({ host: '127.0.0.1', port, path: '/-/healthy', ca, agent, ...options }, (response) => {
      const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
      response.resume().on('end', () => resolve({ status: response.statusCode, serial }));
    });
    request.on('error', reject);
  });
}

async function isRefused(port: number, options: RequestOptions = {}): Promise<boolean> {
  return ask(port, options).then(
    () => false,
    () => true,
  );
}

describe('TLS', () => {
  it('serves the certificate, to those who speak it', async () => {
    const { port } = await serve(SERVER);
    assert.equal((await ask(port)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/-/healthy`));
  });

  it('is of the versions allowed', async () => {
    const { port } = await serve(`${SERVER}, min_version: TLS13`);
    assert.ok(await isRefused(port, { maxVersion: 'TLSv1.2' }));
    assert.equal((await ask(port)).status, 200);
    const old = await serve(SERVER);
    assert.equal((await ask(old.port, { maxVersion: 'TLSv1.2' })).status, 200);
    assert.ok(await isRefused(old.port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }));
  });

  it('takes the ciphers and curves of the list', async () => {
    const { port } = await serve(
      `${SERVER}, max_version: TLS12, curve_preferences: [CurveP256], cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]`,
    );
    assert.equal((await ask(port)).status, 200);
    assert.ok(await isRefused(port, { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }));
    assert.ok(await isRefused(port, { ecdhCurve: 'X25519' }));
  });

  it('takes certificates from the file itself', async () => {
    const inline = (file: string) => JSON.stringify(certificates.read(file));
    const { port } = await serve(`cert: ${inline('server.crt')}, key: ${inline('server.key')}`);
    assert.equal((await ask(port)).status, 200);
  });
});

describe('a client certificate', () => {
  const stranger = createCertificates();
  stranger.issue('stranger', 'DNS:prometheus.example');
  const unknown = { cert: stranger.read('stranger.crt'), key: stranger.read('stranger.key') };
  after(() => rm(stranger.folder, { recursive: true }));

  const rules: readonly [string, { none: boolean; known: boolean; unknown: boolean }][] = [
    ['client_auth_type: NoClientCert', { none: true, known: true, unknown: true }],
    ['client_auth_type: RequestClientCert', { none: true, known: true, unknown: true }],
    ['client_auth_type: RequireAnyClientCert', { none: false, known: true, unknown: true }],
    ['client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt', { none: true, known: true, unknown: false }],
    [
      'client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt',
      { none: false, known: true, unknown: false },
    ],
    [
      'client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt, client_allowed_sans: [spiffe://a/b]',
      { none: false, known: true, unknown: false },
    ],
    [
      'client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt, client_allowed_sans: [example]',
      { none: false, known: false, unknown: false },
    ],
    [
      'client_auth_type: RequireAnyClientCert, client_allowed_sans: [prometheus.example]',
      { none: false, known: true, unknown: true },
    ],
  ];
  for (const [rule, expected] of rules) {
    it(rule, async () => {
      const { port } = await serve(`${SERVER}, ${rule}`);
      const welcome = {
        none: !(await isRefused(port)),
        known: !(await isRefused(port, client)),
        unknown: !(await isRefused(port, unknown)),
      };
      assert.deepEqual(welcome, expected);
    });
  }
});

describe('while the exporter runs', () => {
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  /** In one step, so that no part of it is read. */
  const replace = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };

  it('a new certificate is used for new connections', async () => {
    const { port, changes } = await serve(SERVER, 5);
    const before = await ask(port);
    for (const kind of ['key', 'crt']) {
      renameSync(join(certificates.folder, `next.${kind}`), join(certificates.folder, `server.${kind}`));
    }
    await until(() => changes.length > 0);
    const now = await ask(port);
    assert.equal(now.status, 200);
    assert.notEqual(now.serial, before.serial);
  });

  it('a file that is wrong now changes nothing, is told once, and counts when it is right again', async () => {
    const { port, errors, changes } = await serve(SERVER, 5);
    replace(`tls_server_config: {${SERVER}, min_versoin: TLS13}\n`);
    await until(() => errors.length > 0);
    assert.match(errors[0] ?? '', /min_versoin: there is no such key; did you mean tls_server_config.min_version\?$/);
    assert.equal((await ask(port, { maxVersion: 'TLSv1.2' })).status, 200);
    replace('basic_auth_users: {}\n');
    await until(() => errors.length > 1);
    assert.match(errors[1] ?? '', /change at a restart only$/);
    replace(`tls_server_config: {${SERVER}, min_version: TLS13}\n`);
    await until(() => changes.length > 0);
    assert.ok(await isRefused(port, { maxVersion: 'TLSv1.2' }));
    assert.equal(errors.length, 2);
  });
});
