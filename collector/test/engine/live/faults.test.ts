import { openEngine } from '../../../../testing/engines.ts';
import { testFaults } from './faults.ts';

testFaults(async () => openEngine());
