/** Units, containers and pods of real cgroups, from the kernel's ids to the labels of metrics. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { LabelChoice } from '../../../model/options.ts';
import { cgroupRoot, createCgroupNames } from '../../../system/cgroups.ts';
import { cgroupHierarchies, makeCgroup, runContainer } from '../../../../testing/cgroups.ts';
import { openEngine } from '../../../../testing/engines.ts';
import { parseSamples } from '../../../../testing/parse-metrics.ts';
import { SPAWNLOAD, uniqueComm } from '../../../../testing/spawnload.ts';
import { buildTestApp } from '../../../../testing/test-app.ts';

const newId = () => randomBytes(32).toString('hex');
const load = (comm: string, count: number) => [SPAWNLOAD, '--comm', comm, '--count', String(count)] as const;

/** Spawns of a comm, by the labels that tell cgroups apart. */
async function spawnsBy(label: LabelChoice, comm: string, act: () => void): Promise<Record<string, number>> {
  using engine = openEngine({ label: 'cgroup', filter: { comm } });
  const app = buildTestApp({ engine, label, cgroupNames: createCgroupNames() });
  // While they exist, cgroups are asked for: as Prometheus does.
  act();
  const { body } = await app.inject('/metrics');
  const spawns = parseSamples(body).filter(({ name }) => name === 'forktax_spawns_total');
  return Object.fromEntries(
    spawns.map(({ labels, value }) => [
      ['unit', 'container', 'pod', 'namespace'].flatMap((name) => labels[name] || []).join(' '),
      value,
    ]),
  );
}

test('a unit of systemd, with all cgroups below it, is one series', async () => {
  const comm = uniqueComm();
  const unit = `forktax-${comm}.service`;
  using own = makeCgroup(`/system.slice/${unit}/own`);
  using other = makeCgroup(`/system.slice/${unit}/other/deep`);
  using session = makeCgroup(`/user.slice/user-1000.slice/session-${comm}.scope`);
  const spawns = await spawnsBy('unit', comm, () => {
    own.run(...load(comm, 3));
    other.run(...load(comm, 4));
    session.run(...load(comm, 5));
  });
  assert.deepEqual(spawns, { [unit]: 7, [`session-${comm}.scope`]: 5 });
});

test('containers and pods of every driver', async () => {
  const comm = uniqueComm();
  const [pod, docker, containerd, crio] = [randomUUID(), newId(), newId(), newId()];
  const slice = `kubepods-burstable-pod${pod.replaceAll('-', '_')}.slice`;
  using first = makeCgroup(`/system.slice/docker-${docker}.scope`);
  using second = makeCgroup(`/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${containerd}.scope`);
  using third = makeCgroup(`/kubepods/burstable/pod${pod}/crio-${crio}`);
  using host = makeCgroup('/system.slice/forktax-host.service');
  const act = () => {
    first.run(...load(comm, 1));
    second.run(...load(comm, 2));
    third.run(...load(comm, 3));
    host.run(...load(comm, 4));
  };
  assert.deepEqual(await spawnsBy('container', comm, act), {
    [docker.slice(0, 12)]: 1,
    [`${containerd.slice(0, 12)} ${pod}`]: 2,
    [`${crio.slice(0, 12)} ${pod}`]: 3,
    '': 4,
  });
  assert.deepEqual(await spawnsBy('pod', comm, act), { [pod]: 5, '': 5 });
});

test('a real container of runc', async () => {
  const id = newId();
  const ofV1 = cgroupHierarchies().filter((root) => root !== cgroupRoot());
  const cgroupsOfV1 = () => ofV1.filter((root) => existsSync(`${root}/docker/forktax-test`));
  const before = cgroupsOfV1();
  // It goes with the container, and what is not known by then is not known any more: so one above it stays.
  using above = makeCgroup('/docker/forktax-test');
  using engine = openEngine({ label: 'cgroup', filter: { comm: 'busybox' } });
  const cgroupNames = createCgroupNames();
  const app = buildTestApp({ engine, label: 'container', cgroupNames });
  const { promise: isNamed, resolve } = Promise.withResolvers<void>();
  engine.subscribe((events) => {
    const ids = events.map(({ cgroup }) => cgroup);
    void cgroupNames.resolve(ids).then(() => ids.some((each) => cgroupNames.nameOf(each).includes(id)) && resolve());
  });
  const script = 'for i in 1 2 3; do /bin/busybox true; done; /bin/busybox cat; :';
  await runContainer(`/docker/forktax-test/${id}`, script, isNamed);
  const { body } = await app.inject('/metrics');
  const spawns = parseSamples(body).filter(({ labels }) => labels['container'] === id.slice(0, 12));
  assert.equal(spawns.find(({ name }) => name === 'forktax_spawns_total')?.value, 4);
  assert.deepEqual(cgroupsOfV1(), before, 'nothing is left');
  void above;
});
