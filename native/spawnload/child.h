/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_CHILD_H
#define SPAWNLOAD_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/* All that a child reads; it may share its parent's memory, and then the parent is running. */
struct child_plan {
	const char *path; /* NULL: no exec */
	char **argv;
	char **environment;
	volatile unsigned char *touch_from; /* NULL: a mapping of its own */
	size_t touch_pages;
	size_t page_bytes;
	int hold; /* pipe to read a byte from before the end of its life as a copy, or -1 */
	long lifetime_ms;
	bool kill;
	bool exec_from_thread;
	bool end_together;
};

struct child {
	const struct child_plan *plan;
	int *exec_error; /* in memory shared with the parent, whatever the mechanism */
	void *stack_top;
	void *thread_stack_top;
	int arrived; /* how many of its threads are about to end together */
};

/* The child's whole life. Makes raw system calls only, and never returns. */
void child_main(void *child);

#endif
