/** The identifiers of the dashboards. Links, alerts and pictures use them. */
export const UIDS = {
  overview: 'forktax-overview',
  spawner: 'forktax-spawner',
  exporter: 'forktax-exporter',
  fleet: 'forktax-fleet',
} as const;
