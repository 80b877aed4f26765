import type { Plan } from '../plan/plan.ts';

export function planJson({ command, choice, changes }: Plan): object {
  const { via, reason, caution, runtime } = choice;
  return {
    command,
    via,
    reason,
    ...(caution !== undefined && { caution }),
    environment: Object.fromEntries(changes.map(({ name, value }) => [name, value])),
    ...(runtime && { runtime: { name: runtime.name, spawns: runtime.spawns, offers: runtime.offers } }),
  };
}
