/* SPDX-License-Identifier: MIT */
/* struct afork_job: what the parent keeps of one child, in memory that the child writes to until its exec. */
#ifndef AFORK_RECORD_H
#define AFORK_RECORD_H

#include "../afork.h"
#include <stdbool.h>
#include <stdlib.h>

struct afork_job {
	int references; /* the user's, and that of the slot while the child is in it */
	/*
	 * 1 until the child has left our memory: the kernel clears it (CLONE_CHILD_CLEARTID) in exec and in exit, after the
	 * last instruction on our stack. It alone decides whether the slot is free; pipe and pidfd only ring.
	 */
	int in_memory;
	uint64_t failure; /* 0, or written once by the child: error | step << 16 | index << 32 */
	pid_t pid;
	int pidfd;
	int doorbell;
	enum afork_mechanism mechanism;
	bool reaped;
	int status;
	int *held; /* see hold.h */
	unsigned held_count, held_room;
	/* 1, but with AFORK_ONLY_GIVEN 0 until the child has a table of its own, with nothing else in it. A futex. */
	int settled;
	int rings_when_settled; /* the parent has gone on before that: the child writes a byte into the bell */
};

/* NULL: no memory. */
static inline struct afork_job *job_new(void)
{
	struct afork_job *job = calloc(1, sizeof *job);
	if (!job)
		return NULL;
	job->references = job->settled = 1;
	job->pidfd = job->doorbell = -1;
	return job;
}

static inline bool job_in_memory(const struct afork_job *job)
{
	return __atomic_load_n(&job->in_memory, __ATOMIC_ACQUIRE) != 0;
}

static inline uint64_t failure_pack(int error, enum afork_step step, int index)
{
	return (uint64_t)error | (uint64_t)step << 16 | (uint64_t)(uint32_t)index << 32;
}

#endif
