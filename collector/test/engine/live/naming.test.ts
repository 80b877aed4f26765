import { availableWays, openedBy } from '../../../../testing/engines.ts';
import { testNaming } from './naming.ts';

for (const way of availableWays()) testNaming(`seen by ${way}`, openedBy(way));
