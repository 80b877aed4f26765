/** Measures what a scrape costs, by format and by the number of rows in the table: npm run bench:scrape */
import { numberOf, scriptFlags } from '../testing/script-flags.ts';
import { measureScrape, type ScrapeCost } from './overhead/scrape-cost.ts';

const USAGE = `npm run bench:scrape -- [ROWS...]
ROWS: of the table; 30, 1000 and 10000 unless given.`;
const sizes = scriptFlags(USAGE, { allowPositionals: true }).positionals.map((text) => numberOf('ROWS', text));
const costs: Record<string, number | string>[] = [];
for (const rows of sizes.length > 0 ? sizes : [30, 1_000, 10_000]) {
  for (const format of ['text', 'protobuf'] as const) costs.push(rounded(await measureScrape(rows, format)));
}
console.table(costs);

function rounded({ format, ...figures }: ScrapeCost): Record<string, number | string> {
  const entries = Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]);
  return { format, ...Object.fromEntries(entries) };
}
