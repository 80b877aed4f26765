/* SPDX-License-Identifier: MIT */
/*
 * avfork(): workers that were vforked beforehand. A worker is a thread that is asleep in clone(CLONE_VM | CLONE_VFORK),
 * and its child, which waits for work at a pipe that was there before it. The child takes a request, answers with its pid
 * by a second pipe, and runs the function; when that executes or exits, the thread wakes and clones anew.
 *
 * The child has the thread's storage, for the thread is asleep, and a stack of its own. Not libc's vfork(): sanitizers and
 * preloaded libraries make a fork() of it, and what the child writes into memory would be lost.
 *
 * What the child has of the process is as old as its birth: see afork.h.
 */
#define _GNU_SOURCE
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct request {
	int (*function)(void *); /* NULL: leave */
	void *argument;
	uint64_t mask;
};

enum state {
	IDLE,	   /* may be taken */
	TAKEN,	   /* by a caller: a request is in the pipe, or about to be, and an answer will be read */
	ANSWERED,  /* the caller has its answer, the child may still be on its way */
	DISMISSED, /* by avfork_stop() */
};

struct worker {
	struct worker *next;
	enum state state;
	int jobs[2], ready[2]; /* pipes: requests to the child, its pid from it */
	int took, answered;    /* written by the child, read by the thread when that wakes */
	struct slot *slot;     /* the child's stack */
	pid_t process;
	int patience_ms;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker *workers; /* the first idle one is taken, so that the last ones become superfluous */
	unsigned count, minimum, maximum;
	unsigned leaving; /* no longer counted, but not yet cleaned up */
	int idle_ms;
	bool stopping;
} pool = {
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
	pthread_mutex_lock(&pool.lock);
	worker->patience_ms = pool.count > pool.minimum ? pool.idle_ms : -1;
	pthread_mutex_unlock(&pool.lock);
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
static void set_state(struct worker *worker, enum state state)
{
	worker->state = state;
	pthread_cond_broadcast(&pool.changed);
}

static void wait_until_answered(struct worker *worker)
{
	while (worker->state != ANSWERED)
		pthread_cond_wait(&pool.changed, &pool.lock);
}

/* Whether the worker shall end. One whose child lost patience may by now be taken: then it must go on. */
static bool is_superfluous(struct worker *worker, bool worked)
{
	if (worked) {
		wait_until_answered(worker);
		set_state(worker, pool.stopping ? DISMISSED : IDLE);
		return pool.stopping;
	}
	return worker->state == DISMISSED || (worker->state == IDLE && pool.count > pool.minimum);
}

static void leave(struct worker *worker)
{
	struct worker **link = &pool.workers;
	while (*link != worker)
		link = &(*link)->next;
	*link = worker->next;
	pool.count--;
	pool.leaving++;
	pthread_cond_broadcast(&pool.changed);
}

/* There can be no child. Who has taken the worker must hear of it. */
static void give_up(struct worker *worker)
{
	struct request request;
	if (worker->state == TAKEN) {
		pthread_mutex_unlock(&pool.lock);
		while (read(worker->jobs[0], &request, sizeof request) < 0 && errno == EINTR)
			;
		answer(worker, -1);
		pthread_mutex_lock(&pool.lock);
		wait_until_answered(worker);
	}
	leave(worker);
}

static void work_until_superfluous(struct worker *worker)
{
	for (bool leaving = false; !leaving;) {
		pid_t pid = vfork_child(worker);
		bool worked = pid > 0 && settle(worker, pid);
		pthread_mutex_lock(&pool.lock);
		leaving = pid < 0 || is_superfluous(worker, worked);
		if (pid < 0)
			give_up(worker);
		else if (leaving)
			leave(worker);
		pthread_mutex_unlock(&pool.lock);
	}
}

static void close_pipes(const struct worker *worker)
{
	for (int end = 0; end < 2; end++) {
		close(worker->jobs[end]);
		close(worker->ready[end]);
	}
}

static void free_worker(struct worker *worker)
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
	free_worker(worker);
	pthread_mutex_lock(&pool.lock);
	pool.leaving--;
	pthread_cond_broadcast(&pool.changed);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* --- the callers; their signals are blocked, and the lock is held up to take_worker() --- */

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
static struct worker *hire(enum state state)
{
	struct worker *worker = new_worker(state);
	if (!worker)
		return NULL;
	int error = start_thread(worker);
	if (error) {
		free_worker(worker);
		errno = error;
		return NULL;
	}
	struct worker **link = &pool.workers;
	while (*link)
		link = &(*link)->next;
	*link = worker;
	pool.count++;
	return worker;
}

static struct worker *find_idle(void)
{
	struct worker *worker = pool.workers;
	while (worker && worker->state != IDLE)
		worker = worker->next;
	return worker;
}

static struct worker *take_worker(void)
{
	struct worker *worker;
	pthread_mutex_lock(&pool.lock);
	while (!(worker = find_idle()) && pool.count >= pool.maximum && !pool.stopping)
		pthread_cond_wait(&pool.changed, &pool.lock);
	if (pool.stopping) {
		worker = NULL;
		errno = ESHUTDOWN;
	} else if (!worker) {
		worker = hire(TAKEN);
	}
	if (worker)
		worker->state = TAKEN;
	pthread_mutex_unlock(&pool.lock);
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
	pthread_mutex_lock(&pool.lock);
	set_state(worker, ANSWERED); /* from here on it may be gone */
	pthread_mutex_unlock(&pool.lock);
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
	while (!error && !pool.stopping && pool.count < pool.minimum)
		error = hire(IDLE) ? 0 : errno;
	return error;
}

int avfork_configure(unsigned minimum, unsigned maximum, unsigned idle_ms)
{
	if (maximum == 0 || minimum > maximum || idle_ms > INT32_MAX) {
		errno = EINVAL;
		return -1;
	}
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&pool.lock);
	pool.minimum = minimum;
	pool.maximum = maximum;
	pool.idle_ms = (int)idle_ms;
	int error = may_share() ? hire_minimum() : 0;
	pthread_cond_broadcast(&pool.changed);
	pthread_mutex_unlock(&pool.lock);
	set_signal_mask(mask);
	errno = error ? error : errno;
	return error ? -1 : 0;
}

unsigned avfork_workers(void)
{
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&pool.lock);
	unsigned count = pool.count;
	pthread_mutex_unlock(&pool.lock);
	set_signal_mask(mask);
	return count;
}

void avfork_stop(void)
{
	const struct request dismissal = {.function = NULL};
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.changed);
	for (struct worker *worker; (worker = find_idle());) {
		worker->state = DISMISSED;
		send(worker, &dismissal);
	}
	while (pool.count || pool.leaving)
		pthread_cond_wait(&pool.changed, &pool.lock);
	pool.stopping = false;
	pthread_mutex_unlock(&pool.lock);
	set_signal_mask(mask);
}

/* --- fork() elsewhere in the process: its child has neither our threads nor their children --- */

void workers_before_fork(void)
{
	pthread_mutex_lock(&pool.lock);
}

void workers_after_fork(void)
{
	pthread_mutex_unlock(&pool.lock);
}

void workers_in_forked(void)
{
	while (pool.workers) {
		struct worker *worker = pool.workers;
		pool.workers = worker->next;
		free_worker(worker);
	}
	pool.count = pool.leaving = 0;
	pool.stopping = false;
	pthread_cond_init(&pool.changed, NULL);
	pthread_mutex_unlock(&pool.lock);
}
