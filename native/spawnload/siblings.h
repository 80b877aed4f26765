/* SPDX-License-Identifier: MIT */
/* Threads that use the memory map of the process while others of its threads spawn, and measure how long they stand still. */
#ifndef SPAWNLOAD_SIBLINGS_H
#define SPAWNLOAD_SIBLINGS_H

#include <stdint.h>

#include "options.h"

/*
 * What siblings lost in turns of which a part lay in a call. A turn sleeps, then maps or faults. The time that it should sleep
 * is left out.
 */
struct sibling_loss {
	uint64_t stood_still_ns; /* by CLOCK_MONOTONIC */
	uint64_t blocked_ns;	 /* the part of it in which the thread neither ran nor waited for a CPU */
};

/* Returns when each of them is in its first turn. */
void start_siblings(const struct options *options);

/* A spawner says when its call begins and when it has ended. With siblings, only one thread spawns. */
void call_begins(void);
void call_ended(void);

/* Ends the siblings. Returns the sum over all. */
struct sibling_loss stop_siblings(void);

#endif
