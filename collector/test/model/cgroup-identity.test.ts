/** Paths of cgroups as real hosts have them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { identifyCgroup, shortId, type CgroupIdentity } from '../../model/cgroup-identity.ts';

const id = '0f3e1c5d8b7a69482f1e0d3c5b7a99880f3e1c5d8b7a69482f1e0d3c5b7a9988';
const node = 'aa'.repeat(32);
const uid = '3f5a2c1e-9b7d-4e6f-8a1b-2c3d4e5f6a7b';
const escapedUid = uid.replaceAll('-', '_');
const hash = '9e107d9d372bb6826bd81d3542a419d6';
const uidSlice = 'user.slice/user-1000.slice/user@1000.service';

const docker = { id, runtime: 'docker' } as const;
const containerd = { id, runtime: 'containerd' } as const;
const crio = { id, runtime: 'cri-o' } as const;
const podman = { id, runtime: 'podman' } as const;

const PATHS: Readonly<Record<string, Readonly<Record<string, CgroupIdentity>>>> = {
  systemd: {
    '/': {},
    '/init.scope': { unit: 'init.scope' },
    '/system.slice/ssh.service': { unit: 'ssh.service' },
    '/system.slice/system-getty.slice/getty@tty1.service': { unit: 'getty@tty1.service' },
    '/system.slice/postgresql.service/worker/1': { unit: 'postgresql.service' },
    '/system.slice/_cpu.service': { unit: 'cpu.service' },
    '/system.slice/cups.socket': { unit: 'cups.socket' },
    '/system.slice/system.slice': {},
    '/user.slice/user-1000.slice/session-3.scope': { unit: 'session-3.scope' },
    [`/${uidSlice}/init.scope`]: { unit: 'user@1000.service' },
    [`/${uidSlice}/app.slice/app-gnome-firefox-4711.scope`]: { unit: 'app-gnome-firefox-4711.scope' },
    [`/${uidSlice}/app.slice/snap.code.code-${uid}.scope`]: { unit: `snap.code.code-${uid}.scope` },
    '/../../system.slice/cron.service': { unit: 'cron.service' },
    '/nomad.slice/share.slice/3f5a2c1e.web.scope': { unit: '3f5a2c1e.web.scope' },
  },
  docker: {
    [`/system.slice/docker-${id}.scope`]: { unit: `docker-${id}.scope`, container: docker },
    [`/docker/${id}`]: { container: docker },
    [`/docker/${id}/init`]: { container: docker },
    [`/docker/${node}/docker/${id}`]: { container: docker },
    [`/${uidSlice}/app.slice/docker-${id}.scope`]: { unit: `docker-${id}.scope`, container: docker },
    [`/ecs/cluster/${hash}/${id}`]: { container: docker },
    [`/ecstasks.slice/ecstasks-${hash}.slice/docker-${id}.scope`]: { unit: `docker-${id}.scope`, container: docker },
    [`/system.slice/docker-${id}.scope/system.slice/nginx.service`]: { unit: 'nginx.service', container: docker },
    '/system.slice/docker.service': { unit: 'docker.service' },
    '/docker/buildkit': {},
  },
  podman: {
    [`/machine.slice/libpod-${id}.scope`]: { unit: `libpod-${id}.scope`, container: podman },
    [`/machine.slice/libpod-${id}.scope/container`]: { unit: `libpod-${id}.scope`, container: podman },
    [`/machine.slice/machine-libpod_pod_${node}.slice/libpod-${id}.scope/container`]: {
      unit: `libpod-${id}.scope`,
      container: podman,
    },
    [`/${uidSlice}/user.slice/libpod-${id}.scope/container`]: { unit: `libpod-${id}.scope`, container: podman },
    [`/libpod_parent/libpod-${id}`]: { container: podman },
    [`/system.slice/web.service/libpod-payload-${id}`]: { unit: 'web.service', container: podman },
    [`/machine.slice/libpod-conmon-${id}.scope`]: { unit: `libpod-conmon-${id}.scope` },
  },
  'Kubernetes, by systemd': {
    [`/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${escapedUid}.slice/cri-containerd-${id}.scope`]: {
      unit: `cri-containerd-${id}.scope`,
      container: containerd,
      podUid: uid,
    },
    [`/kubepods.slice/kubepods-pod${escapedUid}.slice/crio-${id}.scope`]: {
      unit: `crio-${id}.scope`,
      container: crio,
      podUid: uid,
    },
    [`/kubepods.slice/kubepods-pod${escapedUid}.slice/crio-${id}.scope/container`]: {
      unit: `crio-${id}.scope`,
      container: crio,
      podUid: uid,
    },
    [`/kubepods.slice/kubepods-pod${escapedUid}.slice/crio-conmon-${id}.scope`]: {
      unit: `crio-conmon-${id}.scope`,
      podUid: uid,
    },
    [`/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${hash}.slice/docker-${id}.scope`]: {
      unit: `docker-${id}.scope`,
      container: docker,
      podUid: hash,
    },
    [`/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${escapedUid}.slice`]: { podUid: uid },
    [`/system.slice/containerd.service/kubepods-burstable-pod${escapedUid}.slice:cri-containerd:${id}`]: {
      unit: `cri-containerd-${id}.scope`,
      container: containerd,
      podUid: uid,
    },
  },
  'Kubernetes, by cgroupfs (k3s too)': {
    [`/kubepods/burstable/pod${uid}/${id}`]: { container: { id }, podUid: uid },
    [`/kubepods/pod${uid}/${id}`]: { container: { id }, podUid: uid },
    [`/kubepods/besteffort/pod${uid}/crio-${id}`]: { container: crio, podUid: uid },
    [`/kubepods/burstable/pod${hash}/${id}`]: { container: { id }, podUid: hash },
    [`/kubepods/burstable/pod${uid}/${node}/docker/${id}`]: { container: docker, podUid: uid },
    '/system.slice/k3s.service': { unit: 'k3s.service' },
    '/kubepods/burstable': {},
  },
  'kind and minikube, whose nodes are containers': {
    [`/docker/${node}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod${escapedUid}.slice/cri-containerd-${id}.scope`]:
      {
        unit: `cri-containerd-${id}.scope`,
        container: containerd,
        podUid: uid,
      },
    [`/system.slice/docker-${node}.scope/kubelet.slice/kubelet.service`]: {
      unit: 'kubelet.service',
      container: { id: node, runtime: 'docker' },
    },
    [`/docker/${node}/kubepods/burstable/pod${uid}/${id}`]: { container: { id }, podUid: uid },
  },
  others: {
    [`/system.slice/nerdctl-${id}.scope`]: { unit: `nerdctl-${id}.scope`, container: containerd },
    [`/default/${id}`]: { container: containerd },
    '/lxc.payload.web/system.slice/nginx.service': { unit: 'nginx.service', container: { id: 'web', runtime: 'lxc' } },
    '/lxc/101/ns': { container: { id: '101', runtime: 'lxc' } },
    '/lxc.monitor.web': {},
    [String.raw`/machine.slice/machine-deb\x2d12.scope/payload`]: {
      unit: String.raw`machine-deb\x2d12.scope`,
      container: { id: 'deb-12', runtime: 'systemd-nspawn' },
    },
    [String.raw`/machine.slice/machine-qemu\x2d1\x2dvm.scope`]: { unit: String.raw`machine-qemu\x2d1\x2dvm.scope` },
    '/machine.slice/systemd-nspawn@deb.service/payload': {
      unit: 'systemd-nspawn@deb.service',
      container: { id: 'deb', runtime: 'systemd-nspawn' },
    },
  },
};

for (const [title, paths] of Object.entries(PATHS))
  describe(title, () => {
    for (const [path, identity] of Object.entries(paths))
      test(path.replaceAll(id, 'ID').replaceAll(node, 'NODE'), () => assert.deepEqual(identifyCgroup(path), identity));
  });

test('an id is shortened as docker does, a name is not', () => {
  assert.equal(shortId(docker), id.slice(0, 12));
  assert.equal(shortId({ id: 'a-name-that-is-long' }), 'a-name-that-is-long');
});
