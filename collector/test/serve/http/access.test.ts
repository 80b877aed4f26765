import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { hash } from 'bcryptjs';
import { describe, it } from 'node:test';
import { createHostCheck } from '../../../serve/http/hosts.ts';
import { OPEN_WEB_CONFIG, type WebConfig } from '../../../serve/config/web.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

// The least cost that bcrypt has; `$2y$` is what htpasswd writes.
const users = new Map([['alice', (await hash('pä:ss', 4)).replace('$2b$', '$2y$')]]);
const PATHS = ['/', '/metrics', '/-/healthy', '/-/ready', '/api/v1/costs', '/api/v1/events', '/nowhere'];

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

function buildApp(webConfig: Partial<WebConfig>) {
  const current = { ...OPEN_WEB_CONFIG, ...webConfig };
  return { app: buildTestApp({ webConfig: () => current }), current };
}

describe('a password', () => {
  it('is asked for on every path', async () => {
    const { app } = buildApp({ users });
    for (const url of PATHS) {
      const response = await app.inject(url);
      assert.equal(response.statusCode, 401, url);
      assert.equal(response.headers['www-authenticate'], 'Basic realm="forktax", charset="UTF-8"');
      assert.equal(response.body, 'Unauthorized.\n');
    }
  });

  it('must be right', async () => {
    const { app } = buildApp({ users });
    const statusFor = async (headers: Record<string, string>) =>
      (await app.inject({ url: '/-/healthy', headers })).statusCode;
    assert.equal(await statusFor(basic('alice', 'pä:ss')), 200);
    assert.equal(await statusFor(basic('alice', 'pä:ss')), 200);
    assert.equal(await statusFor(basic('alice', 'pass')), 401);
    assert.equal(await statusFor(basic('alice', '')), 401);
    assert.equal(await statusFor(basic('bob', 'pä:ss')), 401);
    assert.equal(await statusFor({ authorization: 'Basic' }), 401);
    assert.equal(await statusFor({ authorization: 'Basic YWxpY2U=' }), 401);
    assert.equal(
      await statusFor({ authorization: `Bearer ${basic('alice', 'pä:ss')['authorization']?.slice(6)}` }),
      401,
    );
  });

  it('is not checked for an address that tries many, of known users or unknown ones; others wait for none of them', async () => {
    for (const name of ['alice', 'nobody']) {
      const { app } = buildApp({ users });
      const tries = Array.from({ length: 300 }, (_, i) =>
        app.inject({ url: '/-/healthy', headers: basic(name, `wrong ${i}`), remoteAddress: '192.0.2.1' }),
      );
      const headers = basic('alice', 'pä:ss');
      const answer = await app.inject({ url: '/-/healthy', headers, remoteAddress: '192.0.2.2' });
      assert.equal(answer.statusCode, 200);
      const statuses = (await Promise.all(tries)).map(({ statusCode }) => statusCode);
      assert.deepEqual([...new Set(statuses)].toSorted(), [401, 429]);
      assert.ok(statuses.filter((status) => status === 401).length <= 10, 'few were checked');
      const { body } = await app.inject({ url: '/metrics', headers, remoteAddress: '192.0.2.2' });
      assert.match(body, /^forktax_clients_refused_total\{reason="passwords"\} 29\d$/m);
    }
  });

  it('that was right is not so any more when the file has another', async () => {
    let current: WebConfig = { ...OPEN_WEB_CONFIG, users };
    const app = buildTestApp({ webConfig: () => current });
    const headers = basic('alice', 'pä:ss');
    assert.equal((await app.inject({ url: '/', headers })).statusCode, 200);
    current = { ...OPEN_WEB_CONFIG, users: new Map([['alice', await hash('other', 4)]]) };
    assert.equal((await app.inject({ url: '/', headers })).statusCode, 401);
    assert.equal((await app.inject({ url: '/', headers: basic('alice', 'other') })).statusCode, 200);
  });
});

describe('the name by which a collector is called', () => {
  const isHost = createHostCheck(['node7.example.org:19435', '127.0.0.1:1'], ['a.example.com', '.k8s.test', 'B']);
  const cases: readonly [string, boolean][] = [
    ['127.0.0.1:19435', true],
    ['192.0.2.1', true],
    ['[2001:db8::1]:19435', true],
    ['localhost:1', true],
    ['app.localhost', true],
    ['node7.example.org:19435', true],
    ['a.example.com', true],
    ['A.EXAMPLE.COM.:19435', true],
    ['x.y.k8s.test', true],
    ['b', true],
    [hostname(), true],
    ['evil.example', false],
    ['k8s.test', false],
    ['a.example.com.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['evil.example:127.0.0.1', false],
    ['', false],
  ];
  for (const [host, expected] of cases) {
    it(`${expected ? 'may' : 'may not'} be "${host}"`, async () => {
      assert.equal(isHost(host), expected);
      if (host === '') return;
      const answer = await buildTestApp({ isHost }).inject({ url: '/metrics', headers: { host } });
      assert.equal(answer.statusCode, expected ? 200 : 421);
      if (!expected) assert.match(answer.body, /^This collector has no such name: .* --web\.allowed-hosts\.\n$/);
    });
  }

  it('may be any if that is allowed, or if a password is asked for', async () => {
    assert.equal(createHostCheck([], ['*'])('evil.example'), true);
    const headers = { host: 'evil.example', ...basic('alice', 'pä:ss') };
    assert.equal((await buildApp({ users }).app.inject({ url: '/', headers })).statusCode, 200);
  });
});

describe('headers', () => {
  it('are those of the file, or safe ones', async () => {
    const { app } = buildApp({ headers: { 'Strict-Transport-Security': 'max-age=1', 'X-Frame-Options': 'deny' } });
    for (const url of ['/', '/metrics', '/nowhere']) {
      const { headers } = await app.inject(url);
      assert.equal(headers['strict-transport-security'], 'max-age=1');
      assert.equal(headers['x-frame-options'], 'deny');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['content-security-policy']), /^default-src 'self'/);
    }
  });

  it('of the file replace ours', async () => {
    const { app } = buildApp({ headers: { 'Content-Security-Policy': "default-src 'none'" } });
    assert.equal((await app.inject('/')).headers['content-security-policy'], "default-src 'none'");
  });
});

describe('rate_limit', () => {
  it('lets a burst through, and no more', async () => {
    const { app } = buildApp({ rateLimit: { interval: 3_600_000, burst: 3 } });
    const statuses = [];
    for (let i = 0; i < 5; i++) statuses.push((await app.inject('/-/healthy')).statusCode);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  });

  it('fills up again', async () => {
    const { app } = buildApp({ rateLimit: { interval: 1, burst: 1 } });
    assert.equal((await app.inject('/-/healthy')).statusCode, 200);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await app.inject('/-/healthy')).statusCode, 200);
  });

  it('of 0 is none', async () => {
    const { app } = buildApp({ rateLimit: { interval: 0, burst: 0 } });
    assert.equal((await app.inject('/-/healthy')).statusCode, 200);
  });
});
