/** Measures what a scrape costs, by the number of rows in the table: scripts/node bench/scrape.ts [ROWS...] */
import { measureScrape, type ScrapeCost } from './overhead/scrape-cost.ts';

const sizes = process.argv.slice(2).map(Number);
const costs: Record<string, number | string>[] = [];
for (const rows of sizes.length > 0 ? sizes : [100, 1_000, 10_000]) costs.push(format(await measureScrape(rows)));
console.table(costs);

function format(cost: ScrapeCost): Record<string, number | string> {
  const entries = Object.entries(cost).map(([name, value]) => [name, Math.round(Number(value) * 10) / 10]);
  return Object.fromEntries(entries);
}
