/* SPDX-License-Identifier: MIT */
/* The surroundings of the spawning process: memory, descriptors, and another thread that maps memory. */
#define _GNU_SOURCE
#include "spawner.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void *held;
static atomic_int mapping;
static atomic_llong longest_map;

int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void hold_memory(size_t bytes, int huge)
{
	held = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (held == MAP_FAILED)
		fail("mmap", errno);
	madvise(held, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(held, 1, bytes);
}

void hold_descriptors(int count)
{
	for (int i = 0; i < count; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			fail("opening descriptors", errno);
}

static void *map_and_unmap(void *unused)
{
	for (;;) {
		if (!mapping) {
			usleep(100);
			continue;
		}
		const int64_t start = now_ns();
		char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page == MAP_FAILED)
			fail("mmap", errno);
		*page = 1;
		munmap(page, 4096);
		const int64_t took = now_ns() - start;
		if (took > longest_map)
			longest_map = took;
	}
	return unused;
}

void start_mapper(void)
{
	pthread_t thread;
	const int error = pthread_create(&thread, NULL, map_and_unmap, NULL);
	if (error)
		fail("pthread_create", error);
}

void mapper_go(void)
{
	longest_map = 0;
	mapping = 1;
	while (longest_map == 0)
		usleep(100);
	longest_map = 0;
}

int64_t mapper_stop(void)
{
	mapping = 0;
	usleep(200);
	return longest_map;
}
