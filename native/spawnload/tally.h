/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_TALLY_H
#define SPAWNLOAD_TALLY_H

#include <stdint.h>
#include <sys/types.h>

#include "siblings.h"
#include "spawn.h"

#define MAX_LISTED 1000
#define MAX_ERRNO 256

struct range {
	uint64_t sum, min, max;
};

struct listed_spawn {
	pid_t pid;
	uint64_t stall_ns;
};

/* What one thread or all threads did. */
struct tally {
	uint64_t attempted;
	uint64_t spawned;
	uint64_t failed[MAX_ERRNO];
	uint64_t exec_failed[MAX_ERRNO];
	uint64_t killed; /* children that a signal ended */
	struct range stall_ns;
	struct range rss_bytes;
	/* Usage of the process and its reaped children, from the first spawn to the last reaped child. */
	uint64_t own_faults, children_faults; /* minor faults */
	uint64_t cpu_ns, elapsed_ns;
	struct sibling_loss siblings;
	struct listed_spawn listed[MAX_LISTED];
	size_t listed_count;
};

void add_to_range(struct range *range, uint64_t value);
void record(struct tally *tally, const struct spawned *spawned);
void merge(struct tally *total, const struct tally *part);

#endif
