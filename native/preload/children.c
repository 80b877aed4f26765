/* SPDX-License-Identifier: MIT */
/* Children on their way to their exec: who of them fails too late for posix_spawn() to say, teaches us to be careful. */
#include "preload.h"
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
	SWEEP_STEP = 8,
	CLOSING_NS = 200000000, /* more than an exec takes from leaving our memory to its end */
};

struct child {
	struct child *next;
	struct afork_job *job;
	struct identity identity;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *oldest, **newest_next = &oldest;
static int64_t last_seen_ns; /* when a child was last known to be in our memory */

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* With the lock held. */
static void append(struct child *child)
{
	child->next = NULL;
	*newest_next = child;
	newest_next = &child->next;
}

static void close_case(struct child *child)
{
	if (afork_job_state(child->job, NULL) == AFORK_FAILED) {
		count(WAY_LATE);
		known_distrust(&child->identity);
	}
	afork_job_free(child->job);
	free(child);
}

void children_add(struct afork_job *job, const struct identity *identity)
{
	struct child *child = malloc(sizeof *child);
	if (!child) { /* then nobody learns from it */
		afork_job_free(job);
		return;
	}
	child->job = job;
	child->identity = *identity;
	pthread_mutex_lock(&lock);
	append(child);
	last_seen_ns = now_ns();
	pthread_mutex_unlock(&lock);
}

void children_sweep(void)
{
	pthread_mutex_lock(&lock);
	for (int looked = 0; looked < SWEEP_STEP && oldest; looked++) {
		struct child *child = oldest;
		oldest = child->next;
		if (!oldest)
			newest_next = &oldest;
		if (afork_job_state(child->job, NULL) == AFORK_STARTING)
			append(child);
		else
			close_case(child);
	}
	pthread_mutex_unlock(&lock);
}

bool children_may_hold_files(void)
{
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&lock);
	for (const struct child *child = oldest; child; child = child->next)
		if (job_in_memory(child->job))
			last_seen_ns = now_ns();
	bool recent = now_ns() - last_seen_ns < CLOSING_NS;
	pthread_mutex_unlock(&lock);
	set_signal_mask(mask);
	return recent;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor(FORKS_CHILDREN))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}
