import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { OPEN_WEB_CONFIG } from '../../../serve/config/web.ts';
import { listen } from '../../../serve/http/listen.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const webConfig = () => OPEN_WEB_CONFIG;

describe('listening', () => {
  it('is on as many addresses as asked for, until it stops', async () => {
    const listening = await listen(buildTestApp(), ['127.0.0.1:0', 'localhost:0'], webConfig);
    const urls = listening.addresses.map((address) => `http://${address}/-/healthy`);
    assert.equal(new Set(urls).size, 2);
    for (const url of urls) assert.equal((await fetch(url)).status, 200);
    await listening.close();
    for (const url of urls) await assert.rejects(fetch(url));
  });

  it('says which address is taken, and leaves the others', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    assert.ok(typeof address === 'object' && address);
    const text = `127.0.0.1:${address.port}`;
    await assert.rejects(listen(buildTestApp(), ['127.0.0.1:0', text], webConfig), {
      code: 'FORKTAX_LISTEN',
      message: `cannot listen on ${text}: another program listens there`,
    });
    taken.close();
  });

  it('says that the host has no such address', () =>
    assert.rejects(listen(buildTestApp(), ['192.0.2.1:0'], webConfig), {
      code: 'FORKTAX_LISTEN',
      message: 'cannot listen on 192.0.2.1:0: this host has no such address',
    }));
});
