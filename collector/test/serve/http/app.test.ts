import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { CgroupNames } from '../../../system/cgroups.ts';
import { createLogger } from '../../../serve/log.ts';
import { createProcessMetrics } from '../../../serve/metrics/process.ts';
import { createFakeEngine, fakeFailure, fakeRow, hooksWithout } from '../../../../testing/fake-engine.ts';
import { parseSamples, valueOf } from '../../../../testing/parse-metrics.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const OPENMETRICS = { accept: 'application/openmetrics-text;version=1.0.0' };

describe('/metrics', () => {
  const engine = createFakeEngine({ rows: [fakeRow({ spawns: 4 })] });

  it('is plain text', async () => {
    const response = await buildTestApp({ engine }).inject('/metrics');
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(response.headers['vary'], 'accept, accept-encoding');
    assert.match(response.body, /^forktax_spawns_total\{comm="node",mechanism="fork",syscall="clone"\} 4$/m);
    assert.match(response.body, /^# TYPE forktax_spawns_total counter$/m);
    assert.doesNotMatch(response.body, /EOF/);
  });

  it('is OpenMetrics when asked for it', async () => {
    const response = await buildTestApp({ engine }).inject({ url: '/metrics', headers: OPENMETRICS });
    assert.equal(response.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    assert.match(response.body, /^# TYPE forktax_spawns counter$/m);
    assert.match(response.body, /^# UNIT forktax_spawn_stall_seconds seconds$/m);
    assert.match(response.body, /\n# EOF\n$/);
    assert.equal(response.body.match(/# EOF/g)?.length, 1);
  });

  it('is compressed when asked for it, whatever its size', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => fakeRow({ comm: `p${i}` }));
    const app = buildTestApp({ engine: createFakeEngine({ rows }) });
    const plain = await app.inject('/metrics');
    const response = await app.inject({ url: '/metrics', headers: { 'accept-encoding': 'gzip' } });
    assert.equal(response.headers['content-encoding'], 'gzip');
    assert.ok(plain.rawPayload.length > 15 * response.rawPayload.length);
    const text = gunzipSync(response.rawPayload).toString();
    const spawns = (body: string) => parseSamples(body).filter(({ name }) => name.includes('_spawn'));
    assert.deepEqual(spawns(text), spawns(plain.body));
  });

  it('lies where it is told to', async () => {
    const app = buildTestApp({ engine, telemetryPath: '/probe' });
    assert.equal((await app.inject('/probe')).statusCode, 200);
    assert.equal((await app.inject('/metrics')).statusCode, 404);
    const root = await buildTestApp({ engine, telemetryPath: '/' }).inject('/');
    assert.match(root.body, /^forktax_up 1$/m);
  });

  it('has the metrics of the process, unless switched off', async () => {
    const processMetrics = createProcessMetrics();
    for (const headers of [{}, OPENMETRICS]) {
      const { body } = await buildTestApp({ engine, processMetrics }).inject({ url: '/metrics', headers });
      assert.ok(valueOf(parseSamples(body), 'process_resident_memory_bytes') > 1e6);
      assert.ok(valueOf(parseSamples(body), 'process_cpu_seconds_total') > 0);
    }
    const { body } = await buildTestApp({ engine }).inject('/metrics');
    assert.doesNotMatch(body, /^(process|nodejs)_/m);
  });

  it('says that the tables cannot be read, and stays up', async () => {
    const broken = createFakeEngine();
    broken.snapshot = () => {
      throw new Error('gone');
    };
    const app = buildTestApp({ engine: broken });
    const { statusCode, body } = await app.inject('/metrics');
    assert.equal(statusCode, 200);
    assert.match(body, /^forktax_up 0$/m);
    assert.match(body, /^forktax_hook_attached\{hook="task_newtask"\} 1$/m);
    assert.equal((await app.inject('/-/healthy')).statusCode, 200);
    assert.equal((await app.inject('/-/ready')).statusCode, 503);
    const costs = await app.inject('/api/v1/costs');
    assert.deepEqual([costs.statusCode, costs.body], [503, 'The tables of spawn costs cannot be read; see the log.\n']);
    broken.snapshot = () => broken.next;
    assert.equal((await app.inject('/-/ready')).statusCode, 200);
  });

  it('names cgroups', async () => {
    const names = new Map<string, string>();
    const cgroupNames: CgroupNames = {
      resolve: async (ids) => {
        for (const id of ids) names.set(id, `/c${id}`);
      },
      nameOf: (id) => names.get(id) ?? 'not asked for',
      identityOf: () => ({ unit: 'a.service' }),
    };
    const rows = [fakeRow({ id: '7' })];
    const failures = [fakeFailure({ id: '8', comm: 'sh' })];
    const app = buildTestApp({ engine: createFakeEngine({ label: 'cgroup', rows, failures }), cgroupNames });
    const samples = parseSamples((await app.inject('/metrics')).body);
    assert.equal(valueOf(samples, 'forktax_spawns_total', { cgroup: '/c7' }), 1);
    assert.equal(valueOf(samples, 'forktax_exec_failures_total', { cgroup: '/c8', errno: 'ENOENT' }), 1);
    const costs = (await app.inject('/api/v1/costs')).json();
    assert.deepEqual([costs.rows[0].cgroup, costs.rows[0].unit], ['/c7', 'a.service']);
    assert.equal(costs.failures[0].cgroup, '/c8');
  });

  it('names pids', async () => {
    const rows = [fakeRow({ id: '4242' })];
    const { body } = await buildTestApp({ engine: createFakeEngine({ label: 'pid', rows }) }).inject('/metrics');
    assert.equal(valueOf(parseSamples(body), 'forktax_spawns_total', { pid: '4242' }), 1);
  });
});

test('a request that fails is logged, without its password, and says nothing of the inside', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'logfmt', write: (line) => lines.push(line) });
  const cgroupNames: CgroupNames = {
    resolve: () => Promise.reject(new Error('disk on fire')),
    nameOf: (id) => id,
    identityOf: () => ({}),
  };
  const app = buildTestApp({ engine: createFakeEngine({ label: 'cgroup' }), cgroupNames, logger });
  const response = await app.inject({ url: '/metrics', headers: { authorization: 'Basic c2VjcmV0' } });
  assert.deepEqual([response.statusCode, response.body], [500, 'Internal error; see the log.\n']);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /level=error msg="a request failed" err=.*disk on fire.* path=\/metrics\n$/);
  assert.doesNotMatch(lines.join(), /c2VjcmV0/);
  await app.inject('/metrics?ok');
  await buildTestApp({ logger }).inject('/metrics');
  assert.equal(lines.length, 2);
});

describe('what is not there', () => {
  it('is said in a line of text', async () => {
    const answer = await buildTestApp().inject('/nowhere');
    assert.deepEqual([answer.statusCode, answer.body], [404, 'There is nothing here; / has links to what there is.\n']);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
    it(`is a ${method} of what can only be read`, async () => {
      const app = buildTestApp();
      for (const url of ['/metrics', '/metrics?x', '/', '/api/v1/costs', '/api/v1/events', '/-/ready']) {
        const answer = await app.inject({ method, url, payload: 'x=1', headers: { 'content-type': 'text/strange' } });
        assert.deepEqual([answer.statusCode, answer.headers['allow']], [405, 'GET, HEAD'], `${method} ${url}`);
      }
      assert.equal((await app.inject({ method, url: '/nowhere' })).statusCode, 404);
    });
  }

  it('is the body of a HEAD', async () => {
    const answer = await buildTestApp().inject({ method: 'HEAD', url: '/metrics' });
    assert.deepEqual([answer.statusCode, answer.body], [200, '']);
  });
});

describe('/', () => {
  it('names the version and links to what there is', async () => {
    const response = await buildTestApp({ telemetryPath: '/probe' }).inject('/');
    assert.equal(response.headers['content-type'], 'text/html; charset=utf-8');
    assert.match(response.body, /<title>forktax<\/title>/);
    assert.match(response.body, /1\.2\.3/);
    for (const path of ['/probe', '/api/v1/costs', '/api/v1/events', '/-/healthy', '/-/ready']) {
      assert.ok(response.body.includes(`href="${path}"`), path);
    }
  });

  it('is the same where make did not build the page, which is told', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'warn', format: 'logfmt', write: (line) => lines.push(line) });
    const app = buildTestApp({ page: true, pageFolder: '/nowhere', logger });
    assert.match((await app.inject('/')).body, /href="\/metrics"/);
    assert.equal((await app.inject('/api/v1/history')).statusCode, 200);
    await app.close();
    assert.match(
      lines.join(''),
      /^time=\S+ level=warn msg="the page at \/ is not built \(make\), so only links are there"\n$/,
    );
  });

  it('says what is not measured, harmlessly', async () => {
    const hooks = hooksWithout('calls').map((hook) => Object.assign({}, hook, { reason: '<b>no</b> "calls"' }));
    const { body } = await buildTestApp({ engine: createFakeEngine({ hooks }) }).inject('/');
    assert.match(body, /Not measured here/);
    assert.match(body, /stall: calls: &#60;b&#62;no/);
    assert.doesNotMatch(body, /<b>/);
  });
});

describe('/-/ready', () => {
  it('is so while spawns are measured', async () => {
    const engine = createFakeEngine();
    let readings = 0;
    engine.snapshot = () => {
      readings++;
      return engine.next;
    };
    assert.equal((await buildTestApp({ engine }).inject('/-/ready')).body, 'forktax is ready.\n');
    assert.equal(readings, 0, 'a check of health reads no tables');
    const none = createFakeEngine({ hooks: [{ name: 'a', attached: false, columns: [] }] });
    const response = await buildTestApp({ engine: none }).inject('/-/ready');
    assert.equal(response.statusCode, 503);
    assert.equal(response.body, 'forktax is not ready: no hook is attached.\n');
  });
});

describe('/api/v1/costs', () => {
  it('is the snapshot', async () => {
    const engine = createFakeEngine({ rows: [fakeRow()], failures: [fakeFailure({ count: 3 })] });
    const response = await buildTestApp({ engine }).inject('/api/v1/costs');
    assert.equal(response.headers['content-type'], 'application/json; charset=utf-8');
    const { schema, version, rows, failures, bounds, health, absent } = response.json();
    assert.deepEqual([schema, version, absent], [1, '1.2.3', []]);
    assert.equal(rows[0].copied_rss.counts.length, bounds.copied_rss.length + 1);
    assert.equal(rows[0].stall.counts.length, bounds.stall.length + 1);
    assert.equal(rows[0].copy_ns, 2_000_000);
    assert.deepEqual(failures, [{ kind: 'exec', comm: 'node', syscall: 'clone', errno: 'ENOENT', count: 3 }]);
    assert.equal(health.table_capacity, 1024);
  });

  it('leaves out what no hook feeds', async () => {
    const failures = [fakeFailure(), fakeFailure({ kind: 'spawn' })];
    const engine = createFakeEngine({
      rows: [fakeRow({ slowest: { pid: 1, stallNs: 1, atMs: 1 } })],
      failures,
      hooks: hooksWithout('calls'),
    });
    const costs = (await buildTestApp({ engine }).inject('/api/v1/costs')).json();
    assert.deepEqual(costs.absent, [{ column: 'stall', reason: 'calls: not attached' }]);
    assert.equal(costs.rows[0].spawns, 1);
    const hidden = ['stall', 'copy_ns', 'exec_stall_ns', 'exec_stalls', 'avoidable_stall_ns', 'slowest'];
    assert.deepEqual(
      hidden.filter((name) => name in costs.rows[0]),
      [],
    );
    assert.ok('exec_delay' in costs.rows[0]);
    assert.deepEqual(
      costs.failures.map(({ kind }: { kind: string }) => kind),
      ['exec'],
    );
  });

  it('says which engine could not run', async () => {
    const engine = createFakeEngine({ insteadOf: { engine: 'core', reason: 'the kernel refused the probes' } });
    const costs = (await buildTestApp({ engine }).inject('/api/v1/costs')).json();
    assert.deepEqual(costs.engine.instead_of, { engine: 'core', reason: 'the kernel refused the probes' });
  });

  it('has typed arrays as arrays', async () => {
    const stall = { counts: Float64Array.of(1, 2), sum: 3 };
    const { body } = await buildTestApp({ engine: createFakeEngine({ rows: [fakeRow({ stall })] }) }).inject(
      '/api/v1/costs',
    );
    assert.match(body, /"stall":\{"counts":\[1,2\],"sum":3\}/);
  });
});
