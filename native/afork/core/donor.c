/* SPDX-License-Identifier: MIT */
/*
 * Threads that sleep for good, so that a child can use their thread storage: errno, the stack protector's canary,
 * locale, all that libc finds through the thread pointer. A thread control block that is valid for this libc can be had
 * from this libc only by starting a thread; to build one by hand is to depend on GLIBC_PRIVATE.
 */
#include "donor.h"
#include "forks.h"
#include "signals.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	IDLE_DONORS = 8, /* kept */
	STACK_BYTES = 64 * 1024,
};

struct donor {
	struct donor *next;
	void *thread_pointer; /* as CLONE_SETTLS wants it */
	int ready, leave;     /* futexes */
	unsigned generation;  /* of the process that has the thread: fork() copies none */
};

static struct {
	pthread_mutex_t lock;
	struct donor *idle;
	unsigned idle_count, lent_count, generation;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *own_thread_pointer(void)
{
	void *pointer;
#if defined(__x86_64__)
	__asm__("mov %%fs:0, %0" : "=r"(pointer)); /* the block begins with its own address, in glibc and musl */
#else
	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
	return pointer;
}

static void sleep_while(int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
		raw(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

static void set_and_wake(int *word)
{
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	raw(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, 0, 0, 0);
}

static void *park(void *argument)
{
	struct donor *donor = argument;
	block_all_but_libcs_signals();
	donor->thread_pointer = own_thread_pointer();
	set_and_wake(&donor->ready);
	sleep_while(&donor->leave, 0);
	free(donor);
	return NULL;
}

static bool start_thread(struct donor *donor)
{
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	int error = pthread_create(&thread, &attributes, park, donor);
	if (error) { /* glibc puts static thread storage on the stack, and there may be more of it */
		pthread_attr_setstacksize(&attributes, 1 << 20);
		error = pthread_create(&thread, &attributes, park, donor);
	}
	pthread_attr_destroy(&attributes);
	return !error;
}

static struct donor *donor_new(void)
{
	struct donor *donor = calloc(1, sizeof *donor);
	if (!donor)
		return NULL;
	donor->generation = pool.generation;
	if (!start_thread(donor)) {
		free(donor);
		return NULL;
	}
	sleep_while(&donor->ready, 0);
	return donor;
}

struct donor *donor_take(void)
{
	pthread_mutex_lock(&pool.lock);
	struct donor *donor = pool.idle;
	if (donor) {
		pool.idle = donor->next;
		pool.idle_count--;
	}
	pool.lent_count++;
	pthread_mutex_unlock(&pool.lock);
	if (donor)
		return donor;
	donor = donor_new();
	if (!donor) {
		pthread_mutex_lock(&pool.lock);
		pool.lent_count--;
		pthread_mutex_unlock(&pool.lock);
	}
	return donor;
}

void donor_give_back(struct donor *donor)
{
	pthread_mutex_lock(&pool.lock);
	bool ours = donor->generation == pool.generation;
	bool keep = ours && pool.idle_count < IDLE_DONORS;
	if (ours)
		pool.lent_count--;
	if (keep) {
		donor->next = pool.idle;
		pool.idle = donor;
		pool.idle_count++;
	}
	pthread_mutex_unlock(&pool.lock);
	if (keep)
		return;
	if (ours)
		set_and_wake(&donor->leave);
	else
		free(donor);
}

void *donor_thread_pointer(const struct donor *donor)
{
	return donor->thread_pointer;
}

void donors_count(unsigned *idle, unsigned *lent)
{
	pthread_mutex_lock(&pool.lock);
	*idle = pool.idle_count;
	*lent = pool.lent_count;
	pthread_mutex_unlock(&pool.lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&pool.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&pool.lock);
}

static void in_forked(void)
{
	while (pool.idle) {
		struct donor *donor = pool.idle;
		pool.idle = donor->next;
		free(donor);
	}
	pool.idle_count = pool.lent_count = 0;
	pool.generation++;
	pthread_mutex_unlock(&pool.lock);
}

__attribute__((constructor(FORKS_DONORS))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_forked);
}
