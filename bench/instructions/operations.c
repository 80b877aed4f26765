/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include <err.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE_BYTES 4096
#define BATCH 41
#define MOST_BATCHES 4
#define FEW 5
#define SMALL_BYTES (16 << 20)
#define LARGE_BYTES (512 << 20)

extern char **environ;

/* Shared with children, which measure their own faults. */
static uint64_t *counts;
static volatile char *memory;
/* spawnload: linked statically, and it ends at once. */
static char *const exit_now[] = {"/child", "--exit-now", NULL};

/* Interrupts and refills of the kernel's caches only add to a count, so the least is what the operation itself takes. */
static uint64_t least(unsigned int count)
{
	uint64_t least = counts[0];

	for (unsigned int i = 1; i < count; i++)
		if (counts[i] < least)
			least = counts[i];
	return least;
}

static void *map(size_t bytes, int flags)
{
	void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (mapped == MAP_FAILED)
		err(1, "mmap");
	madvise(mapped, bytes, MADV_NOHUGEPAGE);
	return mapped;
}

static void reap(pid_t pid)
{
	int status;

	if (pid < 0)
		err(1, "spawning");
	if (waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "a child failed");
}

/* Each of these fills `counts` and returns how many there are. */

static unsigned int system_calls(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		uint64_t start = __rdtsc();

		syscall(SYS_getppid);
		counts[i] = __rdtsc() - start;
	}
	return BATCH;
}

static unsigned int touch_pages(volatile char *pages)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		uint64_t start = __rdtsc();

		pages[i * PAGE_BYTES] = 1;
		counts[i] = __rdtsc() - start;
	}
	return BATCH;
}

static unsigned int page_faults(void)
{
	char *fresh = map(BATCH * PAGE_BYTES, MAP_PRIVATE);

	touch_pages(fresh);
	munmap(fresh, BATCH * PAGE_BYTES);
	return BATCH;
}

static unsigned int child_faults(void)
{
	pid_t child = fork();

	if (child == 0) {
		touch_pages(memory);
		_exit(0);
	}
	reap(child);
	return BATCH;
}

static unsigned int parent_faults(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	touch_pages(memory);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return BATCH;
}

static unsigned int forks(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t start = __rdtsc();
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		reap(child);
		counts[i] = __rdtsc() - start;
	}
	return count;
}

static unsigned int small_forks(void)
{
	return forks(BATCH);
}

static unsigned int large_forks(void)
{
	return forks(FEW);
}

static unsigned int posix_spawns(void)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		uint64_t start = __rdtsc();
		pid_t child = -1;

		posix_spawn(&child, exit_now[0], NULL, NULL, exit_now, environ);
		reap(child);
		counts[i] = __rdtsc() - start;
	}
	return BATCH;
}

static void count(const char *name, unsigned int (*operations)(void))
{
	uint64_t last = 0, now = 0;
	int batches = 0;

	do {
		last = now;
		now = least(operations());
	} while (now != last && ++batches < MOST_BATCHES);
	printf("%s\"%s\":{\"instructions\":%lu,\"twice\":%s}", counts[BATCH]++ ? "," : "{", name, now,
	       now == last ? "true" : "false");
}

void prepare_operations(void)
{
	counts = map((BATCH + 1) * sizeof(*counts), MAP_SHARED);
	memory = map(SMALL_BYTES, MAP_PRIVATE);
	memset((void *)memory, 1, SMALL_BYTES);
}

void count_operations(void)
{
	char *large;

	counts[BATCH] = 0;
	count("systemCall", system_calls);
	count("pageFault", page_faults);
	count("posixSpawn", posix_spawns);
	count("fork", small_forks);
	count("childFault", child_faults);
	count("parentFault", parent_faults);
	large = map(LARGE_BYTES, MAP_PRIVATE);
	memset(large, 1, LARGE_BYTES);
	count("largeFork", large_forks);
	munmap(large, LARGE_BYTES);
	printf("}");
}
