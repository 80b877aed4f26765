/* SPDX-License-Identifier: MIT */
/* Parked threads that lend their thread storage to a child. */
#ifndef AFORK_DONOR_H
#define AFORK_DONOR_H

struct donor;

/* With signals blocked. take: NULL when there can be no further thread. */
struct donor *donor_take(void);
void donor_give_back(struct donor *donor);
void *donor_thread_pointer(const struct donor *donor);
void donors_count(unsigned *idle, unsigned *lent); /* for tests */

#endif
