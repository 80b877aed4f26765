/* SPDX-License-Identifier: MIT */
/*
 * Copies of what a child is given, in the parent's table, for as long as the child has none of its own: the caller may
 * close its own at once.
 */
#ifndef AFORK_HOLD_H
#define AFORK_HOLD_H

#include "record.h"

/* A copy of fd, close-on-exec, that the job keeps; or a negative errno. */
int hold(struct afork_job *job, int fd);
/* Closes the copies. By one thread at a time. */
void holds_release(struct afork_job *job);

static inline void job_release(struct afork_job *job)
{
	if (__atomic_sub_fetch(&job->references, 1, __ATOMIC_ACQ_REL))
		return;
	holds_release(job);
	free(job);
}

#endif
