/* SPDX-License-Identifier: MIT */
/*
 * Counts the instructions of single operations, in the kernel and here. The machine must be one that is emulated with
 * `-icount shift=0`, whose time-stamp counter is the number of instructions that were executed.
 */
#ifndef INSTRUCTIONS_OPERATIONS_H
#define INSTRUCTIONS_OPERATIONS_H

/* Maps what the operations use. */
void prepare_operations(void);

/*
 * Prints JSON: for each operation the least of a batch, of the first two batches in a row that agree, and whether two
 * agreed.
 */
void count_operations(void);

#endif
