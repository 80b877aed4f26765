/** docker-compose.yml follows the Compose specification, pins its images, and gives no more power than needed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { composeServices, imageInstructions, TOP } from './compose-file.ts';

const FILE = join(TOP, 'docker-compose.yml');
const services = Object.entries(composeServices());

/** Checks a file for the schema of the specification and for common mistakes, and gives the errors. */
function complaints(file: string): string {
  const dclint = join(TOP, 'node_modules/.bin/dclint');
  const args = [dclint, '--config', join(TOP, 'deploy/dclint.json'), '--max-warnings=0', file];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return stdout + stderr;
}

function changed(t: TestContext, from: string, to: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-compose-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(FILE, 'utf8');
  assert.ok(text.includes(from), from);
  writeFileSync(join(folder, 'docker-compose.yml'), text.replace(from, to));
  return join(folder, 'docker-compose.yml');
}

test('it is valid', () => assert.equal(complaints(FILE).trim(), ''));

test('the check sees a key that is none, a wrong type, a port open to the world', (t) => {
  assert.match(complaints(changed(t, 'read_only: true', 'readonly: true')), /invalid-schema/);
  assert.match(complaints(changed(t, 'pids_limit: 64', 'pids_limit: []')), /invalid-schema/);
  assert.match(complaints(changed(t, '127.0.0.1:9090:9090', '9090:9090')), /no-unbound-port-interfaces/);
});

test('every image has a version, and every service a health check', () => {
  for (const [name, { image, healthcheck }] of services) {
    assert.match(image, /:v?\d+\.\d+\.\d+$/, name);
    const ofImage = name === 'collector' && imageInstructions().some(([instruction]) => instruction === 'HEALTHCHECK');
    assert.ok(healthcheck ?? ofImage, name);
  }
});

test('nobody has a capability that is not named, or can get one', () => {
  for (const [name, service] of services) {
    assert.equal(service.privileged, undefined, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    assert.deepEqual(service.cap_add ?? [], name === 'collector' ? ['BPF', 'PERFMON'] : [], name);
  }
});

test('the Dockerfile has the Node.js of .node-version, the compose file our version', () => {
  const node = readFileSync(join(TOP, '.node-version'), 'utf8').trim();
  assert.match(readFileSync(join(TOP, 'Dockerfile'), 'utf8'), new RegExp(`^FROM node:${node}-`, 'm'));
  const { version } = JSON.parse(readFileSync(join(TOP, 'collector/package.json'), 'utf8'));
  assert.equal(composeServices().collector.image, `forktax:${version}`);
});

test('what is mounted from here is here, and cannot be written', () => {
  const mounts = services.flatMap(([, { volumes }]) => volumes ?? []).filter((each) => typeof each === 'string');
  const ours = mounts.map((mount) => mount.split(':')).filter(([source]) => source?.startsWith('./'));
  assert.ok(ours.length > 3);
  for (const [source = '', , mode] of ours) {
    assert.ok(existsSync(join(TOP, source)), source);
    assert.equal(mode, 'ro', source);
  }
});

test('Prometheus finds the collector where it is', () => {
  const [targets] = parse(readFileSync(join(TOP, 'deploy/prometheus/targets/forktax.yml'), 'utf8'));
  assert.deepEqual(targets.targets, [`collector:${composeServices().collector.expose?.[0]}`]);
});

test('the image is built with every workspace that npm ci looks for', () => {
  const { workspaces }: { workspaces: string[] } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8'));
  const kept = readFileSync(join(TOP, '.dockerignore'), 'utf8').match(/(?<=^!).*/gm) ?? [];
  for (const workspace of workspaces)
    assert.ok(
      kept.some((path) => `${workspace}/package.json`.startsWith(path)),
      workspace,
    );
});
