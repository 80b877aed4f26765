/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <linux/prctl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "raw_call.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static void write_pages(volatile unsigned char *from, const struct child_plan *plan)
{
	for (size_t i = 0; i < plan->touch_pages; i++)
		from[i * plan->page_bytes] = 1;
}

static void touch(const struct child_plan *plan)
{
	size_t length = plan->touch_pages * plan->page_bytes;

	if (plan->touch_pages == 0)
		return;
	if (plan->touch_from) {
		write_pages(plan->touch_from, plan);
		return;
	}
	long mapping = raw_call(SYS_mmap, 0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	raw_call(SYS_madvise, mapping, length, MADV_NOHUGEPAGE, 0, 0, 0);
	write_pages((volatile unsigned char *)mapping, plan);
	raw_call(SYS_munmap, mapping, length, 0, 0, 0, 0);
}

static void sleep_ms(long milliseconds)
{
	struct timespec duration = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	if (milliseconds)
		raw_call(SYS_nanosleep, (long)&duration, 0, 0, 0, 0, 0);
}

static void exec_or_exit(void *argument)
{
	const struct child *child = argument;
	const struct child_plan *plan = child->plan;
	long result = raw_call(SYS_execve, (long)plan->path, (long)plan->argv, (long)plan->environment, 0, 0, 0);

	*child->exec_error = -result;
	raw_call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}

/* The leader waits until the exec of the thread ends it, as execve(2) ends all other threads. */
static void exec_from_thread(struct child *child)
{
	raw_spawn(SYS_clone, THREAD_FLAGS, 0, child->thread_stack_top, exec_or_exit, child);
	for (;;)
		sleep_ms(1000);
}

/* Spinning has no yield, so that both threads run at the same time on two CPUs. */
#define SPINS 100000

static void end_when_both_are_here(void *argument)
{
	struct child *child = argument;

	__atomic_add_fetch(&child->arrived, 1, __ATOMIC_SEQ_CST);
	for (int spins = 0; __atomic_load_n(&child->arrived, __ATOMIC_SEQ_CST) < 2; spins++)
		if (spins >= SPINS)
			raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static void end_together(struct child *child)
{
	child->arrived = 0;
	raw_spawn(SYS_clone, THREAD_FLAGS, 0, child->thread_stack_top, end_when_both_are_here, child);
	end_when_both_are_here(child);
}

void child_main(void *argument)
{
	struct child *child = argument;
	const struct child_plan *plan = child->plan;
	char byte;

	/* No child outlives a generator that was killed. */
	raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	touch(plan);
	if (plan->hold >= 0)
		raw_call(SYS_read, plan->hold, (long)&byte, 1, 0, 0, 0);
	if (plan->kill)
		raw_call(SYS_kill, raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
	if (plan->end_together)
		end_together(child);
	if (!plan->path) {
		sleep_ms(plan->lifetime_ms);
		raw_call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	if (plan->exec_from_thread)
		exec_from_thread(child);
	exec_or_exit(child);
}
