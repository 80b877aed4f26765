/** The lint finds nothing in the dashboards, and each rule finds its error in a broken copy. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { lint } from '../lint/lint.ts';
import type { Dashboard, Panel } from '../lint/model.ts';

const read = (name: string) => readFileSync(new URL(`../generated/${name}.json`, import.meta.url), 'utf8');

/** The type without readonly, so that tests can break a copy. */
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] extends object | undefined ? Mutable<T[Key]> : T[Key] };
type Breakable = Mutable<Dashboard>;

function broken(change: (dashboard: Breakable) => void): Dashboard {
  const dashboard: Breakable = JSON.parse(read('overview'));
  change(dashboard);
  return dashboard;
}

const firstPanel = (dashboard: Breakable) => dashboard.panels[0] as Mutable<Panel>;
const variable = (dashboard: Breakable, name: string) => {
  const found = dashboard.templating.list.find((one) => one.name === name);
  assert.ok(found);
  return found;
};
const ask = (expr: string) => (dashboard: Breakable) => {
  firstPanel(dashboard).targets = [{ refId: 'A', expr }];
};
const CHOSEN = 'job=~"$job", instance=~"$instance"';

const BREAKS: readonly (readonly [rule: string, change: (dashboard: Breakable) => void])[] = [
  ['uneditable-dashboard', (dashboard) => (dashboard.editable = true)],
  ['template-datasource-rule', (dashboard) => (variable(dashboard, 'datasource').name = 'source')],
  ['template-job-rule', (dashboard) => (variable(dashboard, 'job').multi = false)],
  ['template-instance-rule', (dashboard) => (variable(dashboard, 'instance').allValue = '.*')],
  ['template-label-promql-rule', (dashboard) => (variable(dashboard, 'comm').query = 'label_values(a{, comm)')],
  ['template-label-promql-rule', (dashboard) => (variable(dashboard, 'comm').query = 'labels(a, comm)')],
  ['template-on-time-change-reload-rule', (dashboard) => (variable(dashboard, 'comm').refresh = 1)],
  ['panel-datasource-rule', (dashboard) => (firstPanel(dashboard).datasource = { uid: 'prometheus' })],
  ['panel-title-description-rule', (dashboard) => (firstPanel(dashboard).description = '')],
  ['panel-title-description-rule', (dashboard) => (firstPanel(dashboard).title = '')],
  ['own-title-width-rule', (dashboard) => (firstPanel(dashboard).title = 'Spawns per second of all spawners')],
  ['panel-units-rule', (dashboard) => (firstPanel(dashboard).fieldConfig = { defaults: { unit: 'seconds' } })],
  ['panel-no-targets-rule', (dashboard) => (firstPanel(dashboard).targets = [])],
  ['target-promql-rule', ask(`sum(rate(up{${CHOSEN}}[5m])`)],
  ['target-promql-rule', ask('')],
  ['target-job-rule', ask('up{instance=~"$instance"}')],
  ['target-job-rule', ask('up{job="$job", instance=~"$instance"}')],
  ['target-instance-rule', ask('up{job=~"$job"}')],
  ['target-rate-interval-rule', ask(`rate(forktax_spawns_total{${CHOSEN}}[5m])`)],
  ['target-counter-agg-rule', ask(`sum(forktax_spawns_total{${CHOSEN}})`)],
  ['target-counter-agg-rule', ask(`max_over_time(forktax_spawns_total{${CHOSEN}}[5m])`)],
  ['own-metric-rule', ask(`rate(forktax_forks_total{${CHOSEN}}[$__rate_interval])`)],
  ['own-metric-rule', ask('sum(job_comm:forktax_forks:rate5m{job=~"$job"})')],
  ['own-annotation-rule', (dashboard) => (dashboard.annotations = { list: [{ name: 'restarts', expr: 'up' }] })],
  ['own-grid-rule', (dashboard) => (firstPanel(dashboard).gridPos = { x: 1, y: 0, w: 5, h: 4 })],
];

describe('the lint', () => {
  for (const name of ['overview', 'spawner', 'exporter', 'fleet']) {
    it(`finds nothing in ${name}`, () => {
      assert.deepEqual(lint(JSON.parse(read(name))), []);
    });
  }

  for (const [rule, change] of BREAKS) {
    it(`${rule} finds what breaks it`, () => {
      const found = new Set(lint(broken(change)).map((complaint) => complaint.rule));
      assert.deepEqual([...found], [rule]);
    });
  }

  it('fails as a program, and says where', () => {
    const folder = mkdtempSync(join(tmpdir(), 'forktax-lint-'));
    const path = join(folder, 'broken.json');
    writeFileSync(path, JSON.stringify(broken(ask('up{job=~"$job"}'))));
    const cli = fileURLToPath(new URL('../lint/cli.ts', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [cli, path], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    assert.equal(
      stderr,
      'forktax / Spawn overview: Alerts firing: A: up without instance=~"$instance" (target-instance-rule)\n',
    );
    assert.equal(status, 1);
  });
});
