/** The manifests follow the schemas of Kubernetes and of the Prometheus operator, and agree with each other. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DaemonSet, type IDaemonSet } from 'kubernetes-models/apps/v1';
import { Namespace, type INamespace } from 'kubernetes-models/v1';
import { PodMonitor, type IPodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { parse } from 'yaml';
import { composeServices, TOP } from './compose-file.ts';

const read = (name: string): unknown => parse(readFileSync(join(TOP, 'deploy/kubernetes', name), 'utf8'));
const daemonSet = read('daemonset.yaml') as IDaemonSet;
const podMonitor = read('podmonitor.yaml') as IPodMonitor;
const namespace = read('namespace.yaml') as INamespace;
const pod = daemonSet.spec?.template.spec;
const collector = pod?.containers[0];

test('each is valid', () => {
  new DaemonSet(daemonSet).validate();
  new PodMonitor(podMonitor).validate();
  new Namespace(namespace).validate();
});

/** Gives the compiler's errors for a manifest as a literal of its type. Unknown keys are errors only there. */
function typeErrors(t: TestContext, type: string, module: string, manifest: object): string {
  mkdirSync(join(TOP, 'build'), { recursive: true });
  const folder = mkdtempSync(join(TOP, 'build/manifest-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'manifest.ts');
  writeFileSync(
    file,
    `import type { ${type} } from '${module}';\nexport const it: ${type} = ${JSON.stringify(manifest)};\n`,
  );
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', file];
  return spawnSync(join(TOP, 'node_modules/.bin/tsc'), options, { encoding: 'utf8' }).stdout;
}

test('each has only keys that there are', (t) => {
  const operator = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
  assert.equal(typeErrors(t, 'IDaemonSet', 'kubernetes-models/apps/v1', daemonSet), '');
  assert.equal(typeErrors(t, 'IPodMonitor', operator, podMonitor), '');
});

test('the checks see a key that is none, and a wrong type', (t) => {
  const broken = (change: object): IDaemonSet => {
    const copy = structuredClone(daemonSet);
    Object.assign(copy.spec?.template.spec ?? {}, change);
    return copy;
  };
  const wrongKey = broken({ hostPid: true });
  assert.match(typeErrors(t, 'IDaemonSet', 'kubernetes-models/apps/v1', wrongKey), /hostPid/);
  const wrongType = new DaemonSet(broken({ hostPID: 'yes' }));
  assert.throws(() => wrongType.validate(), /hostPID/);
});

test('the kustomization has every manifest, and the image', () => {
  const { resources, images } = read('kustomization.yaml') as {
    resources: string[];
    images: { name: string; newTag: string }[];
  };
  assert.deepEqual(resources.toSorted(), ['daemonset.yaml', 'namespace.yaml', 'podmonitor.yaml']);
  assert.equal(`${images[0]?.name}:${images[0]?.newTag}`, collector?.image);
});

test('the monitor finds the pods and their port', () => {
  const labels = daemonSet.spec?.template.metadata?.labels ?? {};
  for (const [name, value] of Object.entries(podMonitor.spec?.selector.matchLabels ?? { none: '' }))
    assert.equal(labels[name], value, name);
  const port = podMonitor.spec?.podMetricsEndpoints?.[0]?.port;
  assert.deepEqual(
    collector?.ports?.map(({ name, containerPort }) => [name, containerPort]),
    [[port, 19435]],
  );
  assert.deepEqual(
    [daemonSet, podMonitor].map(({ metadata }) => metadata?.namespace),
    [namespace.metadata?.name, namespace.metadata?.name],
  );
});

test('it has the rights of docker-compose.yml, whose container is tested', () => {
  const compose = composeServices().collector;
  const { capabilities, readOnlyRootFilesystem, allowPrivilegeEscalation, privileged } =
    collector?.securityContext ?? {};
  assert.deepEqual([capabilities?.drop, capabilities?.add], [compose.cap_drop, compose.cap_add]);
  assert.deepEqual([readOnlyRootFilesystem, allowPrivilegeEscalation, privileged], [true, false, false]);
  assert.equal(pod?.hostPID, compose.pid === 'host');
  assert.equal(collector?.image, compose.image);
});
