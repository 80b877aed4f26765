/** The names of pods and containers, from a kubelet that answers as real ones do. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identifyCgroup } from '../../model/cgroup-identity.ts';
import { createPodDirectory } from '../../remote/pod-directory.ts';
import { createCertificates } from '../serve/http/certificates.ts';

const certificates = createCertificates();
certificates.issue('kubelet', 'IP:127.0.0.1');
after(() => rmSync(certificates.folder, { recursive: true }));
const file = (name: string) => join(certificates.folder, name);
writeFileSync(file('token'), 's3cret\n');

const uid = '3f5a2c1e-9b7d-4e6f-8a1b-2c3d4e5f6a7b';
const hash = '9e107d9d372bb6826bd81d3542a419d6';
const [app, init, unheard] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const cgroup = (pod: string, container: string) => identifyCgroup(`/kubepods/burstable/pod${pod}/${container}`);

const PODS = {
  kind: 'PodList',
  items: [
    {
      metadata: { name: 'web-1', namespace: 'shop', uid },
      status: {
        containerStatuses: [{ name: 'app', containerID: `containerd://${app}` }, { name: 'waiting' }],
        initContainerStatuses: [{ name: 'init', containerID: `containerd://${init}` }],
      },
    },
    {
      metadata: {
        name: 'etcd-node1',
        namespace: 'kube-system',
        uid: 'another',
        annotations: { 'kubernetes.io/config.hash': hash },
      },
    },
  ],
};

/** Answers only who has the token, as the authenticated port of a kubelet does. */
function kubelet(create: (listener: RequestListener) => ReturnType<typeof createHttp>) {
  let requests = 0;
  const state = { pods: PODS as object, endless: false };
  const server = create((request, response) => {
    requests++;
    if (request.headers.authorization !== 'Bearer s3cret') response.writeHead(401).end('Unauthorized');
    else if (state.endless) flood(response);
    else if (request.url === '/pods') response.end(JSON.stringify(state.pods));
    else response.writeHead(404).end('404 page not found');
  });
  return {
    state,
    requests: () => requests,
    listen: () =>
      new Promise<number>((resolve) =>
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
      ),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As fast as it is read, without an end. */
function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(1 << 20, '[');
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

const secure = (listener: RequestListener) =>
  createHttps({ cert: certificates.read('kubelet.crt'), key: certificates.read('kubelet.key') }, listener);

for (const [title, create, scheme, options] of [
  ['over HTTP', createHttp, 'http', {}],
  ['over HTTPS, by its CA', secure, 'https', { caFile: file('ca.crt') }],
  ['over HTTPS, whoever it is', secure, 'https', { skipVerify: true }],
] as const)
  test(title, async () => {
    await using server = kubelet(create);
    const url = `${scheme}://127.0.0.1:${await server.listen()}`;
    const said: string[] = [];
    const pods = createPodDirectory(
      { url, tokenFile: file('token'), ...options },
      { report: (text) => said.push(text) },
    );
    const cgroups = [
      cgroup(uid, app),
      cgroup(uid, init),
      cgroup(uid, unheard),
      cgroup(hash, 'd'.repeat(64)),
      identifyCgroup('/a.service'),
    ];
    await pods.resolve(cgroups);
    assert.deepEqual(said, []);
    assert.deepEqual(cgroups.map(pods.namesOf), [
      { namespace: 'shop', pod: 'web-1', container: 'app' },
      { namespace: 'shop', pod: 'web-1', container: 'init' },
      { namespace: 'shop', pod: 'web-1' },
      { namespace: 'kube-system', pod: 'etcd-node1' },
      undefined,
    ]);
  });

test('it is asked only for what is not known, and not too often; what has gone keeps its name', async () => {
  await using server = kubelet(createHttp);
  const url = `http://127.0.0.1:${await server.listen()}/`;
  let nowMs = 0;
  const pods = createPodDirectory({ url, tokenFile: file('token') }, { report: assert.fail, now: () => nowMs });
  const [known, unknown] = [cgroup(uid, app), cgroup(uid, unheard)];
  await pods.resolve([identifyCgroup('/system.slice/a.service')]);
  assert.equal(server.requests(), 0);
  await pods.resolve([known]);
  nowMs = 60_000;
  await pods.resolve([known]);
  assert.equal(server.requests(), 1);
  server.state.pods = { items: null };
  await pods.resolve([known, unknown]);
  await pods.resolve([known, unknown]);
  assert.equal(server.requests(), 2);
  assert.equal(pods.namesOf(known)?.container, 'app');
  await pods.resolve([unknown]);
  assert.equal(pods.namesOf(known), undefined);
});

test('of an answer without end, no more is read than a host may have', async () => {
  await using server = kubelet(createHttp);
  const url = `http://127.0.0.1:${await server.listen()}`;
  server.state.endless = true;
  const said: string[] = [];
  const pods = createPodDirectory({ url, tokenFile: file('token') }, { report: (text) => said.push(text) });
  await pods.resolve([cgroup(uid, app)]);
  assert.match(said.join(), /: the answer is larger than 65536 KiB$/);
});

test('why it cannot be asked is told once for each reason', async () => {
  const said: string[] = [];
  let nowMs = 0;
  const ask = async (options: Parameters<typeof createPodDirectory>[0]) => {
    const pods = createPodDirectory(options, { report: (text) => said.push(text), now: () => nowMs });
    for (let i = 0; i < 3; i++, nowMs += 60_000) await pods.resolve([cgroup(uid, app)]);
  };
  await using server = kubelet(secure);
  const url = `https://127.0.0.1:${await server.listen()}`;
  await ask({ url, caFile: file('ca.crt') });
  await ask({ url, tokenFile: file('token') });
  await ask({ url, tokenFile: file('missing') });
  assert.equal(said.length, 3);
  assert.match(said[0] ?? '', /\/pods answers 401: Unauthorized$/);
  assert.match(said[1] ?? '', /certificate/);
  assert.match(said[2] ?? '', /ENOENT.*missing/);
});
