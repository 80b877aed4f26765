/* SPDX-License-Identifier: MIT */
/* avfork(): the callers' side. The workers' is in worker.c. Signals are blocked while a lock is held. */
#include "worker.h"
#include "../core/forks.h"
#include "../core/mechanism.h"
#include "../core/signals.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct worker *find_idle(void)
{
	struct worker *worker = worker_pool.workers;
	while (worker && worker->state != IDLE)
		worker = worker->next;
	return worker;
}

static struct worker *take_worker(void)
{
	struct worker *worker;
	pthread_mutex_lock(&worker_pool.lock);
	while (!(worker = find_idle()) && worker_pool.count >= worker_pool.maximum && !worker_pool.stopping)
		pthread_cond_wait(&worker_pool.changed, &worker_pool.lock);
	if (worker_pool.stopping) {
		worker = NULL;
		errno = ESHUTDOWN;
	} else if (!worker) {
		worker = worker_hire(TAKEN);
	}
	if (worker)
		worker->state = TAKEN;
	pthread_mutex_unlock(&worker_pool.lock);
	return worker;
}

static void send(struct worker *worker, const struct request *request)
{
	if (write(worker->jobs[1], request, sizeof *request) != sizeof *request)
		abort(); /* 24 bytes into an empty pipe of ours */
}

static pid_t dispatch(struct worker *worker, const struct request *request)
{
	pid_t pid = -1;
	send(worker, request);
	while (read(worker->ready[0], &pid, sizeof pid) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&worker_pool.lock);
	worker_set_state(worker, ANSWERED); /* from here on it may be gone */
	pthread_mutex_unlock(&worker_pool.lock);
	if (pid < 0)
		errno = EAGAIN;
	return pid;
}

static bool may_share(void)
{
	return mechanism_possible(AFORK_VFORK) && !instrumented();
}

pid_t avfork(int (*function)(void *), void *argument)
{
	if (!may_share())
		return afork(function, argument);
	struct request request = {.function = function, .argument = argument};
	request.mask = block_all_signals();
	struct worker *worker = take_worker();
	pid_t pid = worker ? dispatch(worker, &request) : -1;
	set_signal_mask(request.mask);
	if (pid > 0)
		mechanism_ran(AFORK_WORKER);
	return pid;
}

static int hire_minimum(void)
{
	int error = 0;
	while (!error && !worker_pool.stopping && worker_pool.count < worker_pool.minimum)
		error = worker_hire(IDLE) ? 0 : errno;
	return error;
}

int avfork_configure(unsigned minimum, unsigned maximum, unsigned idle_ms)
{
	if (maximum == 0 || minimum > maximum || idle_ms > INT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&worker_pool.lock);
	worker_pool.minimum = minimum;
	worker_pool.maximum = maximum;
	worker_pool.idle_ms = (int)idle_ms;
	int error = may_share() ? hire_minimum() : 0;
	pthread_cond_broadcast(&worker_pool.changed);
	pthread_mutex_unlock(&worker_pool.lock);
	set_signal_mask(mask);
	errno = error ? error : errno;
	return error ? -1 : 0;
}

unsigned avfork_workers(void)
{
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&worker_pool.lock);
	unsigned count = worker_pool.count;
	pthread_mutex_unlock(&worker_pool.lock);
	set_signal_mask(mask);
	return count;
}

void avfork_stop(void)
{
	const struct request dismissal = {.function = NULL};
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&worker_pool.lock);
	worker_pool.stopping = true;
	pthread_cond_broadcast(&worker_pool.changed);
	for (struct worker *worker; (worker = find_idle());) {
		worker->state = DISMISSED;
		send(worker, &dismissal);
	}
	while (worker_pool.count || worker_pool.leaving)
		pthread_cond_wait(&worker_pool.changed, &worker_pool.lock);
	worker_pool.stopping = false;
	pthread_mutex_unlock(&worker_pool.lock);
	set_signal_mask(mask);
}

/* --- fork() elsewhere in the process: its child has neither our threads nor their children --- */

static void before_fork(void)
{
	pthread_mutex_lock(&worker_pool.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&worker_pool.lock);
}

static void in_forked(void)
{
	while (worker_pool.workers) {
		struct worker *worker = worker_pool.workers;
		worker_pool.workers = worker->next;
		worker_free(worker);
	}
	worker_pool.count = worker_pool.leaving = 0;
	worker_pool.stopping = false;
	pthread_cond_init(&worker_pool.changed, NULL);
	pthread_mutex_unlock(&worker_pool.lock);
}

__attribute__((constructor(FORKS_WORKERS))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_forked);
}
