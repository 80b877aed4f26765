import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { loadWebConfig } from '../../../serve/config/web.ts';
import { createCertificates } from '../http/certificates.ts';

const certificates = createCertificates();
certificates.issue('server', 'DNS:localhost');
after(() => rm(certificates.folder, { recursive: true }));

const path = join(certificates.folder, 'web.yml');
const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';
const SERVER = 'cert_file: server.crt, key_file: server.key';

function write(yaml: string): string {
  writeFileSync(path, yaml);
  return path;
}

/** What exporter-toolkit itself says of the file. */
function promtoolAccepts(): boolean {
  return spawnSync('promtool', ['check', 'web-config', path]).status === 0;
}

const right: Readonly<Record<string, string>> = {
  nothing: '',
  'no users': 'basic_auth_users:\n',
  users: `basic_auth_users: {alice: "${HASH}", bob: "${HASH.replace('2y', '2b')}"}`,
  TLS: `tls_server_config: {${SERVER}}`,
  'TLS with everything': `tls_server_config: {${SERVER}, client_auth_type: RequireAndVerifyClientCert,
    client_ca_file: ca.crt, min_version: TLS12, max_version: TLS13, prefer_server_cipher_suites: false,
    cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], curve_preferences: [CurveP256, X25519]}`,
  headers: `tls_server_config: {${SERVER}}
http_server_config:
  http2: true
  headers: {X-Frame-Options: deny, X-Content-Type-Options: nosniff, X-XSS-Protection: "1", Content-Security-Policy: a, Strict-Transport-Security: ""}`,
};

describe('a web configuration that exporter-toolkit takes', () => {
  for (const [name, yaml] of Object.entries(right)) {
    it(`is taken: ${name}`, async () => {
      await loadWebConfig(write(yaml));
      assert.ok(promtoolAccepts());
    });
  }

  it('is understood', async () => {
    const config = await loadWebConfig(
      write(`${right['headers']}\n${right['users']}\nrate_limit: {interval: 1.5s, burst: 3}`),
    );
    assert.deepEqual([...config.users.keys()], ['alice', 'bob']);
    assert.deepEqual(config.headers, {
      'X-Frame-Options': 'deny',
      'X-Content-Type-Options': 'nosniff',
      'X-XSS-Protection': '1',
      'Content-Security-Policy': 'a',
    });
    assert.deepEqual(config.rateLimit, { interval: 1500, burst: 3 });
    assert.equal(config.tls?.certificate, certificates.read('server.crt'));
    assert.equal(config.tls.client_auth_type, 'NoClientCert');
  });
});

const wrong: readonly [string, RegExp][] = [
  ['basic_auth_user: {}', /basic_auth_user: there is no such key; did you mean basic_auth_users\?$/],
  ['tls_server_config: {cert: 1, keyfile: b}', /tls_server_config.cert: .*string/],
  [
    `tls_server_config: {${SERVER}, keyfile: b}`,
    /tls_server_config.keyfile: there is no such key; did you mean tls_server_config.key_file\?$/,
  ],
  ['tls_server_config: {cert_file: server.crt}', /tls_server_config: must have one of key and key_file$/],
  [
    'tls_server_config: {cert_file: nowhere.crt, key_file: server.key}',
    /tls_server_config.cert_file: ENOENT.*nowhere.crt/,
  ],
  ['tls_server_config: {cert_file: server.crt, key_file: ca.key}', /tls_server_config: .*key values mismatch/],
  [`tls_server_config: {${SERVER}, min_version: TLS9}`, /tls_server_config.min_version: .*TLS12/],
  [`tls_server_config: {${SERVER}, client_ca_file: ca.crt}`, /has a client CA, but client_auth_type is NoClientCert$/],
  [`tls_server_config: {${SERVER}, cipher_suites: [TLS_FAST]}`, /cipher_suites: TLS_FAST is not known; known are TLS_/],
  [`tls_server_config: {${SERVER}, curve_preferences: [CurveP1]}`, /curve_preferences: CurveP1 is not known/],
  ['basic_auth_users: {alice: secret}', /basic_auth_users.alice: must be a bcrypt hash/],
  [
    'http_server_config: {headers: {X-Powered-By: me}}',
    /http_server_config.headers.X-Powered-By: there is no such key/,
  ],
];

describe('a web configuration that exporter-toolkit refuses', () => {
  for (const [yaml, message] of wrong) {
    it(`is refused: ${yaml}`, async () => {
      await assert.rejects(loadWebConfig(write(yaml)), (error: Error & { code?: string }) => {
        assert.ok(error.message.startsWith(`web.config.file (${path}): `), error.message);
        assert.match(error.message, message);
        return error.code === 'FORKTAX_CONFIG';
      });
      // It looks at hashes only when somebody logs in.
      if (!yaml.includes('alice: secret')) assert.ok(!promtoolAccepts());
    });
  }

  it('is refused: allowed names of clients that need not show a certificate', () =>
    assert.rejects(
      loadWebConfig(write(`tls_server_config: {${SERVER}, client_allowed_sans: [a]}`)),
      /which need client_auth_type Require/,
    ));

  it('is refused: a duration without a unit', () =>
    assert.rejects(
      loadWebConfig(write('rate_limit: {interval: "3"}')),
      /rate_limit.interval: must be a duration such as/,
    ));

  it('is refused: no file', () =>
    assert.rejects(
      loadWebConfig('/nowhere/web.yml'),
      /^ForktaxError: web.config.file: cannot read \/nowhere\/web.yml: ENOENT/,
    ));
});

it('refuses hashes that bcrypt does not know, or that it would take a second or a day to check', async () => {
  for (const cost of ['00', '03', '15', '31', '99']) {
    const yaml = `basic_auth_users: {alice: "${HASH.replace('$10$', `$${cost}$`)}"}`;
    await assert.rejects(loadWebConfig(write(yaml)), /basic_auth_users.alice: must have a bcrypt cost from 4 to 14/);
  }
  for (const cost of ['04', '14'])
    await loadWebConfig(write(`basic_auth_users: {alice: "${HASH.replace('$10$', `$${cost}$`)}"}`));
});

describe('a web configuration that works, and should not stay so, is warned of', () => {
  it('a private key that others can read', async () => {
    const key = join(certificates.folder, 'server.key');
    for (const [mode, expected] of [
      [0o644, [`every user of this host can read the private key in ${key}; chmod o= ${key}`]],
      [0o640, []],
    ] as const) {
      chmodSync(key, mode);
      const { warnings } = await loadWebConfig(write(`tls_server_config: {${SERVER}}`));
      assert.deepEqual(warnings, expected);
    }
  });

  it('a certificate that is not valid at this moment', async () => {
    const days = (count: number) => Date.now() + count * 86_400_000;
    const file = write(`tls_server_config: {${SERVER}}`);
    assert.match(
      (await loadWebConfig(file, days(3))).warnings.join(),
      /^the certificate has expired: it was valid until /,
    );
    assert.match(
      (await loadWebConfig(file, days(-1))).warnings.join(),
      /^the certificate is not valid yet: it will be from /,
    );
    assert.deepEqual((await loadWebConfig(file)).warnings, []);
  });
});

describe('a web configuration that would hold the collector up', () => {
  const fifo = join(certificates.folder, 'fifo');

  it('is refused: a fifo, instead of the file or of a certificate', async () => {
    execFileSync('mkfifo', [fifo]);
    await assert.rejects(loadWebConfig(fifo), /cannot read .*fifo: it is not a regular file$/);
    await assert.rejects(
      loadWebConfig(write(`tls_server_config: {cert_file: fifo, key_file: server.key}`)),
      /tls_server_config.cert_file: it is not a regular file$/,
    );
  });

  it('is refused: a file without end', () =>
    assert.rejects(loadWebConfig('/dev/zero'), /cannot read \/dev\/zero: it is not a regular file$/));

  for (const [name, text, problem] of [
    ['3 MB of [', '['.repeat(3_000_000), 'it is larger than 256 KiB'],
    ['many [', '['.repeat(100_000), 'it is nested more than 32 deep'],
    ['many {', '{a: '.repeat(50_000), 'it is nested more than 32 deep'],
    ['many -', '- '.repeat(100_000), 'it is nested more than 32 deep'],
    ['many keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'), 'it has more than 10000 tokens'],
    ['many anchors', '&a '.repeat(50_000), 'it has more than 10000 tokens'],
  ] as const) {
    it(`is refused: ${name}`, () =>
      assert.rejects(loadWebConfig(write(text)), (error: Error) => error.message.endsWith(`: ${problem}`)));
  }

  it('is taken with a thousand users', async () => {
    const users = Array.from({ length: 1_000 }, (_, i) => `  user${i}: "${HASH}"`);
    assert.equal((await loadWebConfig(write(`basic_auth_users:\n${users.join('\n')}`))).users.size, 1_000);
  });
});

it('names all that is wrong at once', () =>
  assert.rejects(
    loadWebConfig(write('basic_auth_users: {alice: secret}\nrate_limits: {}\nhttp_server_config: {http3: true}')),
    (error: Error) => {
      assert.equal(
        error.message,
        `web.config.file (${path}): 3 problems:
  http_server_config.http3: there is no such key; did you mean http_server_config.http2?
  basic_auth_users.alice: must be a bcrypt hash (htpasswd -nBC 10 "")
  rate_limits: there is no such key; did you mean rate_limit?`,
      );
      return true;
    },
  ));
