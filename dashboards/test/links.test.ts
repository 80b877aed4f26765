/** Links lead to existing dashboards, with variables that these have. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generatedFiles } from '../generated-files.ts';
import type { Dashboard } from '../lint/model.ts';
import { ALERT_RULES } from '../rules/alerts.ts';

const dashboards = [...generatedFiles()]
  .filter(([path]) => path.endsWith('.json'))
  .map(([, content]): Dashboard & { links: { tags: string[] }[]; tags: string[] } => JSON.parse(content));

const variablesOf = (uid: string) => {
  const found = dashboards.find((dashboard) => dashboard.uid === uid);
  assert.ok(found, `no dashboard ${uid}`);
  return new Set(found.templating.list.map(({ name }) => name));
};

/** Finds everything that looks like a link. */
const linksIn = (text: string) =>
  Array.from(text.matchAll(/\/d\/([\w-]+)\?([^"\s]*)/g), ([, uid = '', query = '']) => ({ uid, query }));

function assertLeadsTo({ uid, query }: { uid: string; query: string }): void {
  const names = Array.from(query.matchAll(/var-(\w+)=|\$\{(\w+):queryparam\}/g), ([, a, b]) => a ?? b ?? '');
  assert.ok(names.length > 0, query);
  const variables = variablesOf(uid);
  for (const name of names) assert.ok(variables.has(name), `${uid} has no variable ${name}`);
}

describe('links', () => {
  it('of tables lead on', () => {
    const links = dashboards.flatMap((dashboard) => linksIn(JSON.stringify(dashboard)));
    assert.deepEqual(new Set(links.map(({ uid }) => uid)), new Set(['forktax-spawner', 'forktax-exporter']));
    for (const link of links) assertLeadsTo(link);
  });

  it('of alerts lead to a dashboard', () => {
    for (const { dashboard } of ALERT_RULES) {
      const [link] = linksIn(dashboard.replaceAll(/\{\{[^}]*\}\}/g, 'x'));
      assert.ok(link, dashboard);
      assertLeadsTo(link);
    }
  });

  it('lead from each dashboard to the others, by their tag', () => {
    for (const { links, tags } of dashboards)
      assert.deepEqual(
        links.flatMap((link) => link.tags),
        tags,
      );
  });
});
