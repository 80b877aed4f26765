import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropInFor, serviceOf } from '../../../relaunch/process/systemd-service.ts';

test('the service of a control group', () => {
  const unitOf = (cgroup: string) => {
    const service = serviceOf(cgroup);
    return service && `${service.unit}${service.isUsers ? ' of a user' : ''}`;
  };
  assert.equal(unitOf('/system.slice/app.service'), 'app.service');
  assert.equal(unitOf('/system.slice/system-app.slice/app@1.service'), 'app@1.service');
  assert.equal(unitOf('/system.slice/app.service/worker'), 'app.service');
  assert.equal(unitOf('/user.slice/user-1000.slice/user@1000.service/app.slice/app.service'), 'app.service of a user');
  assert.equal(unitOf('/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope'), undefined);
  assert.equal(unitOf('/user.slice/user-1000.slice/user@1000.service/init.scope'), undefined);
  assert.equal(unitOf('/user.slice/user-1000.slice/session-2.scope'), undefined);
  assert.equal(unitOf('/'), undefined);
});

test('its drop-in', () => {
  const changes = [{ name: 'NODE_OPTIONS', value: '--a="b\\c" %d' } as const];
  assert.deepEqual(dropInFor({ unit: 'app.service', isUsers: false }, changes), {
    path: '/etc/systemd/system/app.service.d/forktax.conf',
    content: '[Service]\nEnvironment="NODE_OPTIONS=--a=\\"b\\\\c\\" %%d"\n',
    commands: ['systemctl daemon-reload', 'systemctl restart app.service'],
  });
});
