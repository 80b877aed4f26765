/* SPDX-License-Identifier: MIT */
/*
 * Spawns by each pair of mechanism and system call. Signals stay unblocked although children share memory: no handler is
 * installed that could run twice, and the child changes to its own stack before a signal could use the old one.
 */
#include "spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <time.h>

#include "raw_call.h"

static const unsigned long clone_flags[] = {
	[FORK] = 0,
	[VFORK] = CLONE_VM | CLONE_VFORK,
	[AFORK] = CLONE_VM,
};

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static long call_kernel(const struct options *options, struct child *child)
{
	unsigned long flags = clone_flags[options->mechanism];
	struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};

	switch (options->syscall) {
#ifdef SYS_fork
	case BY_FORK:
		return raw_spawn(SYS_fork, 0, 0, child->stack_top, child_main, child);
	case BY_VFORK:
		return raw_spawn(SYS_vfork, 0, 0, child->stack_top, child_main, child);
#endif
	case BY_CLONE3:
		return raw_spawn(SYS_clone3, (long)&args, sizeof(args), child->stack_top, child_main, child);
	default:
		return raw_spawn(SYS_clone, flags | SIGCHLD, 0, child->stack_top, child_main, child);
	}
}

static struct spawned spawn_raw(const struct options *options, struct child *child)
{
	uint64_t start_ns = now_ns();
	long result = call_kernel(options, child);
	uint64_t stall_ns = now_ns() - start_ns;

	return (struct spawned){
		.pid = result > 0 ? result : 0, .error = result < 0 ? -result : 0, .stall_ns = stall_ns};
}

/* posix_spawn returns one error for both calls. clone(2) returns these ones, and execve(2) hardly ever does. */
static struct spawned spawn_by_libc(const struct child_plan *plan)
{
	struct spawned spawned = {.pid = 0};
	uint64_t start_ns = now_ns();
	int error = posix_spawn(&spawned.pid, plan->path, NULL, NULL, plan->argv, plan->environment);

	spawned.stall_ns = now_ns() - start_ns;
	if (error == EAGAIN || error == ENOMEM)
		spawned.error = error;
	else
		spawned.exec_error = error;
	if (error)
		spawned.pid = 0;
	return spawned;
}

struct spawned spawn(const struct options *options, struct child *child)
{
	return options->mechanism == POSIX_SPAWN ? spawn_by_libc(child->plan) : spawn_raw(options, child);
}
