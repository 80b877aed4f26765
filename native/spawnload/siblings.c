/* SPDX-License-Identifier: MIT */
#include "siblings.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

#define SLEEP_NS 100000
#define FAULT_PAGES 4096

struct sibling {
	pthread_t thread;
	bool maps;
	int schedstat;
	struct sibling_loss loss;
};

static struct sibling *siblings;
static unsigned long count, begun;
static bool stopped;
/* The times of the last call. It is under way while it has begun after the last one ended. */
static uint64_t call_begun_ns, call_ended_ns;

void call_begins(void)
{
	__atomic_store_n(&call_begun_ns, now_ns(), __ATOMIC_SEQ_CST);
}

void call_ended(void)
{
	__atomic_store_n(&call_ended_ns, now_ns(), __ATOMIC_SEQ_CST);
}

static bool touches_a_call(uint64_t start_ns, uint64_t end_ns)
{
	uint64_t ended_ns = __atomic_load_n(&call_ended_ns, __ATOMIC_SEQ_CST);
	uint64_t begun_ns = __atomic_load_n(&call_begun_ns, __ATOMIC_SEQ_CST);

	return ended_ns > start_ns || (begun_ns > ended_ns && begun_ns < end_ns);
}

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "mmap in a sibling");
	return memory;
}

static void map_and_unmap(void)
{
	size_t page_bytes = sysconf(_SC_PAGESIZE);

	munmap(map(page_bytes), page_bytes);
}

/* How long the thread ran or waited for a CPU. Kernels without CONFIG_SCHED_INFO do not tell the latter. */
static uint64_t runnable_ns(const struct sibling *self)
{
	unsigned long long run_delay_ns = 0;
	struct timespec ran;
	char text[128];
	ssize_t length = pread(self->schedstat, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = 0;
	sscanf(text, "%*u %llu", &run_delay_ns);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
	return ran.tv_sec * 1000000000ull + ran.tv_nsec + run_delay_ns;
}

static uint64_t beyond_sleep(uint64_t ns)
{
	return ns > SLEEP_NS ? ns - SLEEP_NS : 0;
}

static void *run_sibling(void *argument)
{
	const struct timespec pause = {0, SLEEP_NS};
	struct sibling *self = argument;
	size_t page_bytes = sysconf(_SC_PAGESIZE);
	volatile char *pages = map(FAULT_PAGES * page_bytes);

	/* Timers may otherwise be 50 us late. */
	prctl(PR_SET_TIMERSLACK, 1);
	self->schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	uint64_t runnable_before_ns = runnable_ns(self), start_ns = now_ns();
	__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	/* A turn begins where the last one ended, because what is between them may fault, and wait, too: a fork has the stack copied. */
	for (unsigned long turn = 0; !__atomic_load_n(&stopped, __ATOMIC_SEQ_CST); turn++) {
		nanosleep(&pause, NULL);
		if (self->maps)
			map_and_unmap();
		else if (turn % FAULT_PAGES == 0)
			madvise((void *)pages, FAULT_PAGES * page_bytes, MADV_DONTNEED);
		pages[turn % FAULT_PAGES * page_bytes] = 1;
		uint64_t runnable_after_ns = runnable_ns(self), end_ns = now_ns();
		uint64_t all_ns = end_ns - start_ns, runnable_in_turn_ns = runnable_after_ns - runnable_before_ns;
		if (touches_a_call(start_ns, end_ns)) {
			self->loss.stood_still_ns += beyond_sleep(all_ns);
			self->loss.blocked_ns +=
				beyond_sleep(all_ns > runnable_in_turn_ns ? all_ns - runnable_in_turn_ns : 0);
		}
		runnable_before_ns = runnable_after_ns;
		start_ns = end_ns;
	}
	close(self->schedstat);
	return NULL;
}

void start_siblings(const struct options *options)
{
	count = options->siblings;
	siblings = calloc(count + 1, sizeof(*siblings));
	for (unsigned long i = 0; i < count; i++) {
		siblings[i].maps = options->siblings_map;
		if ((errno = pthread_create(&siblings[i].thread, NULL, run_sibling, &siblings[i])))
			err(1, "pthread_create");
	}
	/* What they wait for before their first turn is in no loss. */
	while (__atomic_load_n(&begun, __ATOMIC_SEQ_CST) < count)
		nanosleep(&(struct timespec){0, SLEEP_NS}, NULL);
}

struct sibling_loss stop_siblings(void)
{
	struct sibling_loss total = {0, 0};

	__atomic_store_n(&stopped, true, __ATOMIC_SEQ_CST);
	for (unsigned long i = 0; i < count; i++) {
		pthread_join(siblings[i].thread, NULL);
		total.stood_still_ns += siblings[i].loss.stood_still_ns;
		total.blocked_ns += siblings[i].loss.blocked_ns;
	}
	free(siblings);
	return total;
}
