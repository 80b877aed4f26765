import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseAddress } from '../../../serve/config/address.ts';

it('addresses are host:port, [address]:port or :port', () => {
  assert.deepEqual(parseAddress('127.0.0.1:80'), { host: '127.0.0.1', port: 80 });
  assert.deepEqual(parseAddress('exporter.lan:0'), { host: 'exporter.lan', port: 0 });
  assert.deepEqual(parseAddress('[::1]:19435'), { host: '::1', port: 19435 });
  assert.deepEqual(parseAddress('[fe80::1%eth0]:1'), { host: 'fe80::1%eth0', port: 1 });
  assert.deepEqual(parseAddress(':9100'), { port: 9100 });
});

it('and nothing else', () => {
  for (const text of ['', '80', 'host', 'host:', '::1:80', '[::1]', 'host:65536', 'http://host:80', 'a b:1', 'h:1x']) {
    assert.equal(parseAddress(text), undefined, text);
  }
});
