/* SPDX-License-Identifier: MIT */
/* Which call makes the child, and what to do where it may not. */
#define _GNU_SOURCE
#include "mechanism.h"
#include "signals.h"
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define CLEAR_SIGHAND 0x100000000ULL /* CLONE_CLEAR_SIGHAND, clone3 only */
#define INTO_CGROUP 0x200000000ULL   /* CLONE_INTO_CGROUP, clone3 only */

static _Thread_local enum afork_mechanism last;
static int best; /* enum afork_mechanism; AFORK_ANY: not yet known */

enum afork_mechanism afork_last_mechanism(void)
{
	return last;
}

void mechanism_ran(enum afork_mechanism mechanism)
{
	last = mechanism;
}

static const char *const names[] = {"any", "clone3", "clone", "vfork", "fork", "thread", "worker"};

const char *afork_mechanism_name(enum afork_mechanism mechanism)
{
	return (unsigned)mechanism < sizeof names / sizeof *names ? names[mechanism] : "unknown";
}

/* --- what is safe here --- */

static int is_valgrind(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	return info->dlpi_name && strstr(info->dlpi_name, "/vgpreload_") != NULL;
}

/* Until 5.16 a core dump killed every process that shared the memory (Linux 0258b5fd7c71). */
static bool core_dump_kills_parent(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;
	return uname(&kernel) == 0 && sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
	       (major < 5 || (major == 5 && minor < 16));
}

static enum afork_mechanism demanded_by_operator(void)
{
	const char *name = secure_getenv("AFORK_MECHANISM");
	for (int mechanism = AFORK_CLONE3; name && mechanism <= AFORK_FORK; mechanism++)
		if (!strcmp(name, names[mechanism]))
			return (enum afork_mechanism)mechanism;
	return AFORK_ANY;
}

static int set_flag(void *flag)
{
	__atomic_store_n((int *)flag, 1, __ATOMIC_RELEASE);
	return 0;
}

/*
 * qemu's user mode and WSL 1 make a vfork() out of fork(): what the child writes is lost. (They refuse CLONE_VM without
 * CLONE_VFORK, so this matters for AFORK_VFORK alone.) With no exit signal, so that nobody else hears of the child.
 */
static bool probe_vfork(void)
{
	int flag = 0;
	uint64_t mask = block_all_signals();
	struct slot *slot = slot_take();
	if (slot) {
		slot->entry = (struct entry){set_flag, &flag};
		long pid = raw_clone(CLONE_VM | CLONE_VFORK, slot->stack + slot->stack_size, 0, 0, 0, &slot->entry);
		if (pid > 0)
			raw(SYS_wait4, pid, 0, __WALL, 0);
		slot_give_back(slot);
	}
	set_signal_mask(mask);
	return flag;
}

static bool vfork_shares_memory(void)
{
	static int answer; /* 0: not asked, 1: no, 2: yes */
	int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
	if (!known) {
		known = 1 + probe_vfork();
		__atomic_store_n(&answer, known, __ATOMIC_RELAXED);
	}
	return known == 2;
}

/* It knows fork() only, and gives up at CLONE_VM. */
static bool under_valgrind(void)
{
	static int answer;
	int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
	if (!known) {
		known = 1 + dl_iterate_phdr(is_valgrind, NULL);
		__atomic_store_n(&answer, known, __ATOMIC_RELAXED);
	}
	return known == 2;
}

/*
 * Instrumented code keeps books, in thread storage and in memory beside ours, that a second process must not write.
 * Their runtimes know fork().
 */
__attribute__((weak)) extern void __asan_init(void);
__attribute__((weak)) extern void __tsan_init(void);
__attribute__((weak)) extern void __msan_init(void);

bool instrumented(void)
{
	return __asan_init || __tsan_init || __msan_init;
}

bool mechanism_possible(enum afork_mechanism mechanism)
{
	if (mechanism == AFORK_FORK)
		return true;
	return !under_valgrind() && (mechanism != AFORK_VFORK || vfork_shares_memory());
}

static enum afork_mechanism find_best(void)
{
	enum afork_mechanism mechanism = demanded_by_operator();
	if (mechanism == AFORK_ANY)
		mechanism = core_dump_kills_parent() ? AFORK_VFORK : AFORK_CLONE3;
	return mechanism_possible(mechanism) ? mechanism : AFORK_FORK;
}

enum afork_mechanism mechanism_best(void)
{
	enum afork_mechanism known = (enum afork_mechanism)__atomic_load_n(&best, __ATOMIC_RELAXED);
	if (known == AFORK_ANY) {
		known = find_best();
		mechanism_settle(known);
	}
	return known;
}

void mechanism_settle(enum afork_mechanism mechanism)
{
	__atomic_store_n(&best, (int)mechanism, __ATOMIC_RELAXED);
}

enum afork_mechanism mechanism_after(enum afork_mechanism mechanism, long result)
{
	/* EPERM: sandboxes that know no clone3, such as Docker before 20.10.10. EINVAL: kernels that know no such flag. */
	bool refused = result == -ENOSYS || result == -EPERM || result == -EINVAL;
	if (!refused || mechanism >= AFORK_FORK)
		return AFORK_ANY;
	if (mechanism == AFORK_CLONE && !vfork_shares_memory())
		return AFORK_FORK;
	return (enum afork_mechanism)(mechanism + 1);
}

/* --- the calls --- */

static unsigned long common_flags(const struct creation *creation)
{
	return (creation->no_pidfd ? 0 : CLONE_PIDFD) | (creation->share_files ? CLONE_FILES : 0) |
	       (creation->tls ? CLONE_SETTLS : 0);
}

static long create_by_clone3(struct creation *creation, int *pidfd)
{
	struct clone3_args args = {
		.flags = CLONE_VM | CLONE_CHILD_CLEARTID | CLEAR_SIGHAND | common_flags(creation),
		.pidfd = (uintptr_t)pidfd,
		.child_tid = (uintptr_t)&creation->job->in_memory,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)creation->slot->stack,
		.stack_size = creation->slot->stack_size,
		.tls = (uintptr_t)creation->tls,
	};
	size_t size = offsetof(struct clone3_args, set_tid); /* 5.3's */
	if (creation->cgroup_fd >= 0) {
		args.flags |= INTO_CGROUP;
		args.cgroup = (uint64_t)creation->cgroup_fd;
		size = sizeof args;
	}
	return raw_clone3(&args, size, &creation->slot->entry);
}

static long create_by_clone(struct creation *creation, int *pidfd, unsigned long more)
{
	unsigned long flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD | common_flags(creation) | more;
	return raw_clone(flags, creation->slot->stack + creation->slot->stack_size, pidfd, &creation->job->in_memory,
			 creation->tls, &creation->slot->entry);
}

static long create_by_fork(struct creation *creation, int *pidfd)
{
	return raw_clone(SIGCHLD | (creation->no_pidfd ? 0 : CLONE_PIDFD), 0, pidfd, 0, 0, &creation->slot->entry);
}

long create_child(struct creation *creation, enum afork_mechanism mechanism)
{
	struct afork_job *job = creation->job;
	int pidfd = -1;
	long pid;
	job->in_memory = 1; /* before the child can be: CLONE_CHILD_SETTID would come too late */
	if (mechanism == AFORK_CLONE3)
		pid = create_by_clone3(creation, &pidfd);
	else if (mechanism == AFORK_FORK)
		pid = create_by_fork(creation, &pidfd);
	else
		pid = create_by_clone(creation, &pidfd, mechanism == AFORK_VFORK ? CLONE_VFORK : 0);
	if (pid < 0) {
		job->in_memory = 0;
		return pid;
	}
	job->pid = (pid_t)pid;
	job->pidfd = pidfd;
	job->mechanism = mechanism;
	return 0;
}
