/* SPDX-License-Identifier: MIT */
/* The two system calls whose child comes back on another stack. Each gives the pid, or a negative errno. */
#ifndef AFORK_CLONE_H
#define AFORK_CLONE_H

#include <stddef.h>
#include <stdint.h>

/* What the child runs. It exits with what the function returns. */
struct entry {
	int (*function)(void *);
	void *argument;
};

/* The kernel's struct clone_args, up to the cgroup (5.7). */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

long raw_clone3(struct clone3_args *args, size_t size, const struct entry *entry);
long raw_clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, void *tls, const struct entry *entry);

#endif
