import { openEngine } from './engines.ts';
import { testFaults } from './faults.ts';

testFaults(async () => openEngine());
