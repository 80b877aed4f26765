/** Each column of a row is shown by a metric, in the unit of the column. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCALES } from '../../../model/bounds.ts';
import { COST_COLUMNS, type CostColumnName } from '../../../model/columns.ts';
import { SPAWN_METRICS, type SpawnMetric } from '../../../serve/metrics/descriptors.ts';

/** The stall of spawns whose child called exec. Its avoidable part has a metric; the JSON of costs has all three. */
const WITHOUT_METRIC: readonly CostColumnName[] = ['execStallNs', 'execStalls'];

function columnsOf(metric: SpawnMetric): readonly CostColumnName[] {
  if ('failure' in metric) return [];
  return 'roles' in metric ? Object.values(metric.roles) : [metric.column];
}

/** Counts or adds up the values of a histogram, which has a metric of its own. */
const isPartOf = ({ kind }: SpawnMetric, column: CostColumnName) =>
  kind === 'counter' && COST_COLUMNS[column].kind !== 'counter';

const isNumberOf = (metric: SpawnMetric, column: CostColumnName) =>
  isPartOf(metric, column) && !('value' in metric && metric.value === 'sum');

test('every column has one metric', () => {
  const shown = SPAWN_METRICS.flatMap((metric) => columnsOf(metric).filter((column) => !isPartOf(metric, column)));
  assert.deepEqual([...shown, ...WITHOUT_METRIC].toSorted(), Object.keys(COST_COLUMNS).toSorted());
});

test('a metric has the unit of its column', () => {
  const unitOf = (column: CostColumnName): string | undefined => {
    const { kind } = COST_COLUMNS[column];
    if (kind !== 'counter') return SCALES[kind].unitsPerBase === 1 ? 'bytes' : 'seconds';
    return column.endsWith('Ns') ? 'seconds' : column.endsWith('Bytes') ? 'bytes' : undefined;
  };
  for (const metric of SPAWN_METRICS)
    for (const column of columnsOf(metric)) {
      assert.equal(metric.unit, isNumberOf(metric, column) ? undefined : unitOf(column), metric.name);
      if (metric.unit) assert.match(metric.name, new RegExp(`_${metric.unit}(_total)?$`));
    }
});
