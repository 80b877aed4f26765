/** The files that are generated from this code, by their path from the root of the repository. */
import type { Dashboard, DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { exporter } from './boards/exporter.ts';
import { fleetBoard } from './boards/fleet.ts';
import { overview } from './boards/overview.ts';
import { spawnerBoard } from './boards/spawner.ts';
import { alertFile, recordingFile } from './rules/files.ts';

const FOLDER = 'dashboards/generated';

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    [`${FOLDER}/overview.json`, json(built(overview()))],
    [`${FOLDER}/spawner.json`, json(built(spawnerBoard()))],
    [`${FOLDER}/exporter.json`, json(built(exporter()))],
    [`${FOLDER}/fleet.json`, json(built(fleetBoard()))],
    [`${FOLDER}/recording.rules.yml`, recordingFile()],
    [`${FOLDER}/alerts.rules.yml`, alertFile()],
  ]);
}

/**
 * Panels get numbers, so that a link to one stays right when Grafana loads the dashboard again. The builders put links and
 * annotations into a menu, where nobody on call looks, so they are moved to the top of the page.
 */
function built(builder: DashboardBuilder): Dashboard {
  const board = builder.build();
  for (const shown of [...(board.links ?? []), ...(board.annotations?.list ?? [])]) delete shown.placement;
  let id = 0;
  for (const panel of board.panels ?? []) {
    panel.id = ++id;
    if ('panels' in panel) for (const inner of panel.panels) inner.id = ++id;
  }
  return board;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
