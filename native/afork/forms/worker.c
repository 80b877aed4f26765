/* SPDX-License-Identifier: MIT */
/*
 * avfork(): workers that were vforked beforehand. A worker is a thread that is asleep in clone(CLONE_VM | CLONE_VFORK),
 * and its child, which waits for work at a pipe that was there before it. The child takes a request, answers with its pid
 * by a second pipe, and runs the function; when that executes or exits, the thread wakes and clones anew.
 *
 * The child has the thread's storage, for the thread is asleep, and a stack of its own. Not libc's vfork(): sanitizers and
 * preloaded libraries make a fork() of it, and what the child writes into memory would be lost.
 *
 * What the child has of the process is as old as itself: see afork.h.
 */
#define _GNU_SOURCE
#include "worker.h"
#include "../core/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker_pool worker_pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.maximum = 16,
	.idle_ms = 10000,
};

/* --- the child --- */

static int run_child(void *argument)
{
	struct worker *worker = argument;
	struct request request;
	raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL); /* else it would outlive the process, waiting for ever */
	if (getppid() != worker->process)
		return 0;
	clear_handlers();
	struct pollfd job = {.fd = worker->jobs[0], .events = POLLIN};
	if (poll(&job, 1, worker->patience_ms) != 1 || read(job.fd, &request, sizeof request) != sizeof request)
		return 0;
	if (!request.function)
		return 0;
	__atomic_store_n(&worker->took, 1, __ATOMIC_RELEASE);
	raw(SYS_prctl, PR_SET_PDEATHSIG, 0);
	pid_t self = getpid();
	if (write(worker->ready[1], &self, sizeof self) == sizeof self)
		__atomic_store_n(&worker->answered, 1, __ATOMIC_RELEASE);
	set_signal_mask(request.mask);
	return request.function(request.argument);
}

/* --- the thread --- */

static void answer(struct worker *worker, pid_t pid)
{
	if (write(worker->ready[1], &pid, sizeof pid) != sizeof pid)
		abort(); /* four bytes into an empty pipe of ours */
}

static pid_t vfork_child(struct worker *worker)
{
	worker->process = getpid();
	pthread_mutex_lock(&worker_pool.lock);
	worker->patience_ms = worker_pool.count > worker_pool.minimum ? worker_pool.idle_ms : -1;
	pthread_mutex_unlock(&worker_pool.lock);
	worker->took = worker->answered = 0;
	worker->slot->entry = (struct entry){run_child, worker};
	block_all_signals();
	long pid = raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, worker->slot->stack + worker->slot->stack_size, 0, 0, 0,
			     &worker->slot->entry);
	block_all_but_libcs_signals();
	return (pid_t)pid;
}

/* The child has executed, or ended. True: it took a request. */
static bool settle(struct worker *worker, pid_t pid)
{
	if (!worker->took) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return false;
	}
	if (!worker->answered) /* killed between the two */
		answer(worker, -1);
	return true;
}

/* With the lock held, as the next. */
void worker_set_state(struct worker *worker, enum state state)
{
	worker->state = state;
	pthread_cond_broadcast(&worker_pool.changed);
}

static void wait_until_answered(struct worker *worker)
{
	while (worker->state != ANSWERED)
		pthread_cond_wait(&worker_pool.changed, &worker_pool.lock);
}

/* Whether the worker shall end. One whose child lost patience may by now be taken: then it must go on. */
static bool is_superfluous(struct worker *worker, bool worked)
{
	if (worked) {
		wait_until_answered(worker);
		worker_set_state(worker, worker_pool.stopping ? DISMISSED : IDLE);
		return worker_pool.stopping;
	}
	return worker->state == DISMISSED || (worker->state == IDLE && worker_pool.count > worker_pool.minimum);
}

static void leave(struct worker *worker)
{
	struct worker **link = &worker_pool.workers;
	while (*link != worker)
		link = &(*link)->next;
	*link = worker->next;
	worker_pool.count--;
	worker_pool.leaving++;
	pthread_cond_broadcast(&worker_pool.changed);
}

/* There can be no child. Who has taken the worker must hear of it. */
static void give_up(struct worker *worker)
{
	struct request request;
	if (worker->state == TAKEN) {
		pthread_mutex_unlock(&worker_pool.lock);
		while (read(worker->jobs[0], &request, sizeof request) < 0 && errno == EINTR)
			;
		answer(worker, -1);
		pthread_mutex_lock(&worker_pool.lock);
		wait_until_answered(worker);
	}
	leave(worker);
}

static void work_until_superfluous(struct worker *worker)
{
	for (bool leaving = false; !leaving;) {
		pid_t pid = vfork_child(worker);
		bool worked = pid > 0 && settle(worker, pid);
		pthread_mutex_lock(&worker_pool.lock);
		leaving = pid < 0 || is_superfluous(worker, worked);
		if (pid < 0)
			give_up(worker);
		else if (leaving)
			leave(worker);
		pthread_mutex_unlock(&worker_pool.lock);
	}
}

static void close_pipes(const struct worker *worker)
{
	for (int end = 0; end < 2; end++) {
		close(worker->jobs[end]);
		close(worker->ready[end]);
	}
}

void worker_free(struct worker *worker)
{
	close_pipes(worker);
	uint64_t mask = block_all_signals();
	slot_give_back(worker->slot);
	set_signal_mask(mask);
	free(worker);
}

static void *work(void *worker)
{
	work_until_superfluous(worker);
	worker_free(worker);
	pthread_mutex_lock(&worker_pool.lock);
	worker_pool.leaving--;
	pthread_cond_broadcast(&worker_pool.changed);
	pthread_mutex_unlock(&worker_pool.lock);
	return NULL;
}

/* --- hiring, with signals blocked --- */

static bool open_pipes(struct worker *worker)
{
	if (pipe2(worker->jobs, O_CLOEXEC))
		return false;
	if (pipe2(worker->ready, O_CLOEXEC) == 0)
		return true;
	int error = errno;
	close(worker->jobs[0]);
	close(worker->jobs[1]);
	errno = error;
	return false;
}

static struct worker *new_worker(enum state state)
{
	struct worker *worker = calloc(1, sizeof *worker);
	if (!worker)
		return NULL;
	worker->state = state;
	if (open_pipes(worker)) {
		worker->slot = slot_take();
		if (worker->slot)
			return worker;
		close_pipes(worker);
		errno = ENOMEM;
	}
	free(worker);
	return NULL;
}

static int start_thread(struct worker *worker)
{
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	int error = pthread_create(&thread, &attributes, work, worker);
	pthread_attr_destroy(&attributes);
	return error;
}

/* NULL: errno. */
struct worker *worker_hire(enum state state)
{
	struct worker *worker = new_worker(state);
	if (!worker)
		return NULL;
	int error = start_thread(worker);
	if (error) {
		worker_free(worker);
		errno = error;
		return NULL;
	}
	struct worker **link = &worker_pool.workers;
	while (*link)
		link = &(*link)->next;
	*link = worker;
	worker_pool.count++;
	return worker;
}
