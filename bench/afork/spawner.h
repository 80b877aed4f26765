/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPAWNER_H
#define BENCH_SPAWNER_H

#include <stddef.h>
#include <stdint.h>

_Noreturn void fail(const char *what, int error);

/* --- mechanisms.c --- */

struct mechanism {
	const char *name;
	/* Starts the program, which reports on descriptor 1, and returns as soon as the mechanism allows. */
	void (*spawn)(char *program);
	void (*begin)(void); /* called once, before anything is measured; may be NULL */
	void (*after)(void); /* called after each child's exit, to check and to free what spawn() left; may be NULL */
};

const struct mechanism *find_mechanism(const char *name);

/* --- surroundings.c --- */

void hold_memory(size_t bytes, int huge);
void hold_descriptors(int count);
void start_mapper(void);
/* Between these two calls, another thread maps memory. mapper_stop() returns the longest mmap() + first write + munmap(). */
void mapper_go(void);
int64_t mapper_stop(void);

int64_t now_ns(void);

#endif
