import { z } from 'zod';
import { WEIGHT_NAMES } from '../profile/weights.ts';
import { API, SITE_SECONDS } from '../serve/api/schema.ts';
import { markdownTable } from './markdown.ts';

/** Writes docs/api.md. */
export function apiPage(): string {
  return `<!-- Generated from collector/serve/api/schema.ts by scripts/generate-docs.ts: do not edit. -->

# The API

\`forktax serve\` answers programs with JSON. \`/api/v1/schema\` has all of this page as JSON Schema (2020-12).

- Names are in snake case and have the unit: \`_ns\`, \`_ms\`, \`_seconds\`, \`_bytes\`. Times of day are milliseconds since the epoch.
- What is not measured is left out, or null in a list, and never zero. \`absent\` says why.
- \`schema\` goes up when a field changes its meaning or goes. New fields may come without, so take what you do not know.
- Passwords, TLS and \`rate_limit\` of \`--web.config.file\` apply as to the metrics.

${Object.entries(API).map(section).join('\n')}
## Events

\`/api/v1/events\` is a stream of server-sent events, which \`EventSource\` and \`curl -N\` read. The name of an event is its \`kind\`.

- \`?kind=spawn,exec-failure\`: only these kinds.
- \`?min_stall_ns=1000000\`: only spawns and failed spawns that stalled at least so long.
- The stream begins with \`hello\`, which has \`schema\`, \`version\` and \`engine\`.
- Each event has an id. A client that comes back within 5 seconds with the header \`Last-Event-ID\`, as \`EventSource\` does by
  itself, gets what it missed, as far as it is among the newest 2000 events.
- A client that reads too slowly misses events. The event \`skipped\` says how many: after a resumption, of any kind.
- The kernel writes events only while there is a client.

## Call sites

\`/api/v1/sites\` answers when the time is over. It needs \`serve --web.enable-sites\`.

- \`?seconds=10\`: how long stacks are copied, from ${SITE_SECONDS.least} to ${SITE_SECONDS.most}; ${SITE_SECONDS.usual} unless given.
- \`?format=folded&weight=spawns\`: a line for each stack, for flamegraph.pl and speedscope; the weights are ${WEIGHT_NAMES.join(', ')}.
- Only one client can ask at a time. Others are answered with 429, and \`Retry-After\` says when it is over.
- A client that leaves ends the copying.
`;
}

function section([path, { schema, help }]: [string, (typeof API)[keyof typeof API]]): string {
  const rows = fieldsOf(z.toJSONSchema(schema, { io: 'input' }) as Json);
  return `## \`${path}\`\n\n${help}\n\n${markdownTable(['field', 'type', 'what'], rows)}\n`;
}

interface Json {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  readonly items?: Json;
  readonly anyOf?: readonly Json[];
  readonly oneOf?: readonly Json[];
  readonly enum?: readonly string[];
  readonly const?: unknown;
}

type Line = [field: string, type: string, what: string];

/** Lists the fields of an object and of the objects in it; alternatives come one after the other. */
function fieldsOf(schema: Json, prefix = ''): Line[] {
  if (schema.oneOf) return distinct(schema.oneOf.flatMap((one) => fieldsOf(one, prefix)));
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const optional = schema.required?.includes(name) ? '' : ', optional';
    const what = field.description ?? field.items?.description ?? '';
    const line: Line = [`\`${path}\``, typeOf(field) + optional, what];
    const inner = field.type === 'array' ? fieldsOf(field.items ?? {}, `${path}[].`) : fieldsOf(field, `${path}.`);
    return [line].concat(inner);
  });
}

function typeOf({ type, items, enum: values, const: value }: Json): string {
  if (value !== undefined) return JSON.stringify(value);
  if (values) return values.map((one) => `"${one}"`).join(' or ');
  if (type === 'array') return items?.type ? `list of ${items.type}` : 'list';
  return type ?? '';
}

/** Fields of several alternatives once; a constant that tells them apart once each. */
function distinct(lines: readonly Line[]): Line[] {
  return [...new Map(lines.map((line) => [line.join(), line])).values()];
}
