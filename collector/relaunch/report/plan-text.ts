import type { Plan } from '../plan/plan.ts';

/** Says which way was chosen, why, and what is set for it. */
export function planLines({ choice, changes }: Plan): string[] {
  const { via, reason, caution, runtime } = choice;
  return [
    `via ${via}: ${reason}`,
    ...(caution === undefined ? [] : [`  but ${caution}`]),
    ...changes.map(({ name, value }) => `  ${name}=${value}`),
    ...(via === 'none' && runtime?.offers !== undefined ? [`  for ${runtime.name}: ${runtime.offers}`] : []),
  ];
}
