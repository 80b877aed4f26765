/** Panels are drawn from known data. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DashboardData, PanelData } from '../render/data.ts';
import { graph } from '../render/graph.ts';
import { heatmap } from '../render/heatmap.ts';
import { page } from '../render/page.ts';
import { stat } from '../render/stat.ts';
import { table } from '../render/table.ts';
import { timeline } from '../render/timeline.ts';

const BOX = { width: 400, height: 200 };
const SPAN = { fromSeconds: 1_800_000_000, toSeconds: 1_800_000_120, stepSeconds: 20 };
const TIMES = [0, 20, 40, 60, 80, 100, 120].map((after) => SPAN.fromSeconds + after);

type Lines = PanelData['targets'][number]['lines'];

function panelOf(type: string, lines: Lines, more: object = {}, target: object = {}): PanelData {
  const asked = { refId: 'A', expr: 'x', legendFormat: '{{mechanism}}', ...target };
  return {
    panel: { id: 1, type, title: 'A <title>', gridPos: { x: 0, y: 0, w: 12, h: 8 }, ...more },
    targets: [{ target: asked, lines, exemplars: [{ seconds: TIMES[2] ?? 0, value: 0.5, labels: {} }] }],
  };
}

const lineOf = (metric: Record<string, string>, values: readonly (number | undefined)[]) => ({
  metric,
  points: values.flatMap((value, index) => (value === undefined ? [] : [[TIMES[index] ?? 0, value] as const])),
});

const dataOf = (panels: readonly PanelData[], marks: readonly number[] = []): DashboardData => ({
  dashboard: { uid: 'x', title: 'Board', panels: panels.map(({ panel }) => panel), templating: { list: [] } },
  span: SPAN,
  variables: { job: '.+', instance: '.+', comm: 'node', rateInterval: '80s', range: '120s' },
  panels,
  marks,
});

const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length;
const labelsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, label]) => label);

test('a graph has a line for each series, broken where samples are missing, and a legend with the last values', () => {
  const lines = [
    lineOf({ mechanism: 'fork' }, [1, 2, 3, 4, 5, 6, 7]),
    lineOf({ mechanism: 'vfork' }, [1, 1, undefined, undefined, undefined, 1, 0.25]),
  ];
  const data = panelOf('timeseries', lines, { fieldConfig: { defaults: { unit: 's' }, overrides: [] } });
  const drawn = graph(data, dataOf([data]), BOX);
  const paths = [
    ...drawn.matchAll(/<path d="([^"]*)" fill="none" pointer-events="visible" stroke="#(?:2f74d0|ea7e22)"/g),
  ].map(([, d]) => d ?? '');
  assert.deepEqual(
    paths.map((d) => count(d, /M/g)),
    [1, 2],
  );
  assert.match(drawn, /fork <b[^>]*>7 s<\/b>.*vfork <b[^>]*>250 ms<\/b>/);
});

test('marks, exemplars and the line of an alert are drawn once each', () => {
  const steps = [
    { value: null, color: 'transparent' },
    { value: 4, color: 'red' },
  ];
  const custom = { thresholdsStyle: { mode: 'dashed' } };
  const defaults = { unit: 's', thresholds: { steps }, custom };
  const lines = [lineOf({ mechanism: 'fork' }, [1, 2, 3, 4, 5, 6, 7])];
  const data = panelOf('timeseries', lines, { fieldConfig: { defaults, overrides: [] } });
  const drawn = graph(data, dataOf([data], [TIMES[3] ?? 0]), BOX);
  assert.equal(count(drawn, /stroke="#8457c2"/g), 1, 'the mark');
  assert.equal(count(drawn, /stroke="#d13c3c"/g), 1, 'the alert');
  assert.equal(count(drawn, /fill="white"[^>]* stroke="#6b7480"/g), 1, 'the exemplar');
});

test('stacked series lie on each other: the axis reaches their sum', () => {
  const lines = [lineOf({ mechanism: 'fork' }, [6, 6, 6]), lineOf({ mechanism: 'vfork' }, [6, 6, 6])];
  const fieldConfig = { defaults: { unit: 'none', custom: { stacking: { mode: 'normal' } } }, overrides: [] };
  const [apart, together] = [{}, { fieldConfig }].map((more) => {
    const data = panelOf('timeseries', lines, more);
    return Math.max(
      ...labelsOf(graph(data, dataOf([data]), BOX))
        .map(Number)
        .filter(Number.isFinite),
    );
  });
  assert.ok((apart ?? 0) < 12 && (together ?? 0) >= 12, `${apart}, ${together}`);
});

test('a heat map has a cell for each bucket that counted, not for what lower bounds had', () => {
  const lines = [
    lineOf({ le: '0.1' }, [0, 0, 0]),
    lineOf({ le: '0.5' }, [1, 2, 0]),
    lineOf({ le: '1' }, [1, 3, 0]),
    lineOf({ le: '+Inf' }, [1, 3, 0]),
  ];
  const data = panelOf('heatmap', lines, { options: { yAxis: { unit: 's' } } });
  const drawn = heatmap(data, dataOf([data]), BOX);
  assert.equal(count(drawn, /stroke="white" stroke-width="0.5"/g), 3);
  const bounds = labelsOf(drawn).filter((label) => !label?.includes(':'));
  assert.deepEqual(bounds, ['500 ms', '1 s'], 'rows without any count are left out');
});

test('a timeline has a cell for each sample, in the colour of its state', () => {
  const mappings = [{ options: { 0: { text: 'up', color: 'green' }, 1: { text: 'down', color: 'red' } } }];
  const lines = [lineOf({ mechanism: 'web-1' }, [0, 0, 1, 0])];
  const data = panelOf('state-timeline', lines, { fieldConfig: { defaults: { mappings }, overrides: [] } });
  const drawn = timeline(data, dataOf([data]), BOX);
  assert.equal(count(drawn, /fill="#3d9a5f"/g), 3);
  assert.equal(count(drawn, /fill="#d13c3c"/g), 1);
});

test('a number has the unit and the colour of its threshold, and says so where there is none', () => {
  const thresholds = {
    steps: [
      { value: null, color: 'green' },
      { value: 0.1, color: 'red' },
    ],
  };
  const fieldConfig = { defaults: { unit: 's', thresholds, noValue: 'no forks' }, overrides: [] };
  assert.match(stat(panelOf('stat', [lineOf({}, [0.05, 0.2])], { fieldConfig }), BOX), /#d13c3c">200 ms</);
  assert.match(stat(panelOf('stat', [], { fieldConfig }), BOX), /no forks/);
});

test('a table has the columns in their order, and the greatest first', () => {
  const options = { indexByName: { comm: 0, 'Value #A': 1 }, renameByName: { 'Value #A': 'Stall' } };
  const more = { transformations: [{ id: 'organize', options }], options: { sortBy: [{ displayName: 'Stall' }] } };
  const lines = [lineOf({ comm: 'sh' }, [1]), lineOf({ comm: '<node>' }, [3])];
  const cells = [...table(panelOf('table', lines, more)).matchAll(/<t[hd][^>]*>([^<]*)</g)].map(([, text]) => text);
  assert.deepEqual(cells, ['comm', 'Stall', '&lt;node&gt;', '3', 'sh', '1']);
});

test('a page has every panel that is not folded, titles escaped', () => {
  const shown = panelOf('timeseries', [lineOf({ mechanism: 'fork' }, [1, 2])]);
  const { html } = page(dataOf([shown]), 'about');
  assert.equal(count(html, /<section/g), 1);
  assert.match(html, /<h2>A &lt;title&gt;<\/h2>/);
  assert.match(html, /<h1>Board, spawner node<\/h1>/);
});
