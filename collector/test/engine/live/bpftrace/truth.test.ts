/** The bpftrace engine passes the same tests as the core engine. */
import { openBpftrace } from '../../../../../testing/engines.ts';
import { testEnds } from '../ends.ts';
import { testFaults } from '../faults.ts';
import { testNaming } from '../naming.ts';
import { testTruth } from '../truth.ts';

testTruth('truth', openBpftrace);
testFaults(openBpftrace);
testNaming('names', openBpftrace);
testEnds('clean-up', openBpftrace, () => {});
