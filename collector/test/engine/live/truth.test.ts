import { availableWays, openedBy } from './engines.ts';
import { testTruth } from './truth.ts';

for (const way of availableWays()) testTruth(`seen by ${way}`, openedBy(way));
