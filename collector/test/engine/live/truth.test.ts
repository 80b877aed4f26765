import { availableWays, openedBy } from '../../../../testing/engines.ts';
import { testTruth } from './truth.ts';

for (const way of availableWays()) testTruth(`seen by ${way}`, openedBy(way));
