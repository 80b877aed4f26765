/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "siblings.h"
#include "spawn.h"
#include "tally.h"

#define STACK_BYTES 16384

/* A slot for one living child. Its stack is free again after the child is reaped. */
struct slot {
	struct child child;
	pid_t pid;
};

/* One thread that spawns. */
struct spawner {
	pthread_t thread;
	const struct options *options;
	struct child_plan plan;
	struct slot *slots;
	unsigned char *touch_from;
	int release; /* the other end of the plan's `hold` */
	unsigned long count;
	pthread_barrier_t *start;
	uint64_t interval_ns; /* between spawns; 0: no delay */
	struct tally *tally;
};

static void reap(struct slot *slot, struct tally *tally)
{
	int status;

	if (!slot->pid)
		return;
	if (waitpid(slot->pid, &status, 0) != slot->pid)
		err(1, "waitpid %d", slot->pid);
	tally->killed += WIFSIGNALED(status);
	tally->exec_failed[*slot->child.exec_error % MAX_ERRNO]++;
	slot->pid = 0;
}

static void spawn_once(struct spawner *self, struct slot *slot)
{
	struct spawned spawned;

	reap(slot, self->tally);
	*slot->child.exec_error = 0;
	add_to_range(&self->tally->rss_bytes, own_rss_bytes());
	call_begins();
	spawned = spawn(self->options, &slot->child);
	call_ended();
	slot->pid = spawned.pid;
	if (!spawned.error)
		write_pages(self->touch_from, self->options->parent_touch_pages);
	if (self->plan.hold >= 0 && !spawned.error && write(self->release, "", 1) != 1)
		err(1, "releasing a child");
	record(self->tally, &spawned);
}

static void wait_until(uint64_t at_ns)
{
	struct timespec at = {at_ns / 1000000000, at_ns % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* With --exec-after, the thread that spawned and the leader meet here: when all is spawned, and when that is reported. */
static pthread_barrier_t meeting;

static void exec_after(const struct options *options)
{
	pthread_barrier_wait(&meeting);
	pthread_barrier_wait(&meeting);
	execv(options->path, options->argv);
	err(1, "%s", options->path);
}

static void *run_spawner(void *argument)
{
	struct spawner *self = argument;
	uint64_t start_ns;

	/* A spawner has the name of its leader. A tool that takes the name of the thread would be found out. */
	if (self->options->threads)
		prctl(PR_SET_NAME, "spawning-thread");
	pthread_barrier_wait(self->start);
	start_ns = now_ns();
	for (unsigned long i = 0; i < self->count; i++) {
		if (self->interval_ns)
			wait_until(start_ns + i * self->interval_ns);
		spawn_once(self, &self->slots[i % self->options->live]);
	}
	for (unsigned long i = 0; i < self->options->live; i++)
		reap(&self->slots[i], self->tally);
	if (self->options->exec_after)
		exec_after(self->options);
	return NULL;
}

/* The parent of a vfork is stopped, so it could not release the child. A child of posix_spawn does not know the pipe. */
static bool holds_children(const struct options *options)
{
	return options->parent_touch_pages && (options->mechanism == FORK || options->mechanism == AFORK);
}

static void make_slots(struct spawner *self, unsigned long live)
{
	unsigned char *stacks = map_touched(live * 2 * STACK_BYTES, false);
	int *exec_errors = map_touched(live * sizeof(int), true);

	self->slots = map_touched(live * sizeof(*self->slots), false);
	for (unsigned long i = 0; i < live; i++) {
		self->slots[i].pid = 0;
		self->slots[i].child = (struct child){
			.plan = &self->plan,
			.exec_error = &exec_errors[i],
			.stack_top = stacks + (2 * i + 1) * STACK_BYTES,
			.thread_stack_top = stacks + (2 * i + 2) * STACK_BYTES,
		};
	}
}

/* The parent writes the first pages of its memory, and the child the pages after them. */
static void plan_child(struct spawner *self, unsigned char *memory)
{
	const struct options *options = self->options;
	size_t page_bytes = sysconf(_SC_PAGESIZE);
	int ends[2] = {-1, -1};

	if (holds_children(options) && pipe2(ends, O_CLOEXEC) < 0)
		err(1, "pipe");
	self->touch_from = memory;
	self->release = ends[1];
	self->plan = (struct child_plan){
		.path = options->path,
		.argv = options->argv,
		.environment = environ,
		.touch_from = options->mechanism == FORK ? memory + options->parent_touch_pages * page_bytes : NULL,
		.touch_pages = options->child_touch_pages,
		.page_bytes = page_bytes,
		.hold = ends[0],
		.lifetime_ms = options->child_lifetime_ms,
		.kill = options->kill_child,
		.exec_from_thread = options->exec_from_thread,
		.end_together = options->end_together,
	};
}

/* Maps and writes all memory before the first spawn, so that only the spawns cause the faults that follow. */
static void prepare(struct spawner *spawners, unsigned long count, const struct options *options,
		    pthread_barrier_t *start)
{
	size_t touched_bytes = options->rss_bytes ? options->rss_bytes : 1;
	unsigned char *memory = map_touched(touched_bytes, false);

	for (unsigned long i = 0; i < count; i++) {
		struct spawner *self = &spawners[i];

		self->options = options;
		self->start = start;
		self->count = options->count / count + (i < options->count % count);
		self->interval_ns = options->rate > 0 ? 1e9 * count / options->rate : 0;
		self->tally = map_touched(sizeof(*self->tally), false);
		memset(self->tally, 0, sizeof(*self->tally));
		make_slots(self, options->live);
		plan_child(self, memory);
	}
}

static uint64_t cpu_ns(const struct rusage *usage)
{
	return 1000 * (1000000ull * (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) + usage->ru_utime.tv_usec +
		       usage->ru_stime.tv_usec);
}

/* Adds the usage so far to `total`, or subtracts it if `sign` is -1. */
static void add_usage(struct tally *total, int sign)
{
	struct rusage own, children;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	total->own_faults += sign * own.ru_minflt;
	total->children_faults += sign * children.ru_minflt;
	total->cpu_ns += sign * (cpu_ns(&own) + cpu_ns(&children));
	total->elapsed_ns += sign * now_ns();
}

/* The order is the same with and without more threads: prepare, begin, spawn. */
void run_load(const struct options *options, void (*begin)(const struct options *), struct tally *total)
{
	unsigned long count = options->threads ? options->threads : 1;
	struct spawner *spawners = map_touched(count * sizeof(*spawners), false);
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, options->threads ? count + 1 : 1);
	pthread_barrier_init(&meeting, NULL, 2);
	prepare(spawners, count, options, &start);
	for (unsigned long i = 0; i < options->threads; i++)
		if ((errno = pthread_create(&spawners[i].thread, NULL, run_spawner, &spawners[i])))
			err(1, "pthread_create");
	begin(options);
	start_siblings(options);
	add_usage(total, -1);
	if (options->threads == 0)
		run_spawner(&spawners[0]);
	else
		pthread_barrier_wait(&start);
	if (options->exec_after)
		pthread_barrier_wait(&meeting);
	for (unsigned long i = 0; i < options->threads && !options->exec_after; i++)
		pthread_join(spawners[i].thread, NULL);
	total->siblings = stop_siblings();
	add_usage(total, 1);
	for (unsigned long i = 0; i < count; i++)
		merge(total, spawners[i].tally);
}

void after_report(const struct options *options)
{
	if (!options->exec_after)
		return;
	pthread_barrier_wait(&meeting);
	for (;;)
		pause();
}
