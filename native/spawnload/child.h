/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_CHILD_H
#define SPAWNLOAD_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/* Everything that a child reads. It may share this memory with its running parent. */
struct child_plan {
	const char *path; /* NULL: no exec */
	char **argv;
	char **environment;
	volatile unsigned char *touch_from; /* NULL: the child makes a mapping of its own */
	size_t touch_pages;
	size_t page_bytes;
	int hold; /* pipe: the child reads a byte from it before it exits or calls exec; -1: none */
	long lifetime_ms;
	bool kill;
	bool exec_from_thread;
	bool end_together;
};

struct child {
	const struct child_plan *plan;
	int *exec_error; /* in memory that is shared with the parent by every mechanism */
	void *stack_top;
	void *thread_stack_top;
	int arrived; /* the number of its threads that are about to end at the same time */
};

/* Runs the child from start to exit. It makes only raw system calls, and never returns. */
void child_main(void *child);

#endif
