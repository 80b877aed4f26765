import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddressOf } from '../../../serve/http/client-address.ts';

test('a client is an IPv4 address, or a network of 64 bits', () => {
  const cases: readonly [string | undefined, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::5:6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1', 'fe80:0:0:0'],
    [undefined, ''],
  ];
  for (const [remoteAddress, expected] of cases) assert.equal(clientAddressOf({ remoteAddress }), expected);
});
