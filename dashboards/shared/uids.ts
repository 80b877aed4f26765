/** The identifiers of the dashboards, by which links, alerts and pictures find them. */
export const UIDS = {
  overview: 'forktax-overview',
  spawner: 'forktax-spawner',
  exporter: 'forktax-exporter',
  fleet: 'forktax-fleet',
} as const;
