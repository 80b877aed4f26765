/* SPDX-License-Identifier: MIT */
/*
 * The child of afork_spawn(). It runs in the parent's memory, beside the parent, with the parent's thread pointer:
 *
 *   - so it makes raw system calls only: no libc, no errno, no thread-local variable, nothing instrumented. The
 *     Makefile checks that this object needs no symbol from outside;
 *   - it reads its plan, which is a copy made for it, and writes nothing but its stack, its plan and job->failure;
 *   - all 64 signals are blocked until just before exec, when no handler of the parent is left.
 *
 * The order of the steps is the promise of struct afork_options.
 */
#define _GNU_SOURCE /* AT_EMPTY_PATH */
#include "plan.h"
#include "signals.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

static _Noreturn void fail(const struct plan *plan, enum afork_step step, int index, long error)
{
	uint64_t failure = failure_pack((int)-error, step, index);
	if (plan->report_on_bell)
		raw(SYS_write, plan->bell, &failure, sizeof failure);
	__atomic_store_n(&plan->job->failure, failure, __ATOMIC_SEQ_CST);
	for (;;)
		raw(SYS_exit_group, 127);
}

static void check(const struct plan *plan, enum afork_step step, long result)
{
	if (result < 0)
		fail(plan, step, 0, result);
}

/* --- signals --- */

static void reset_signals(const struct plan *plan)
{
	if (plan->clear_handlers)
		clear_handlers();
	for (int number = 1; number <= 64; number++)
		if (plan->options.signals_default >> (number - 1) & 1)
			default_signal(number);
}

/* --- process --- */

static long join_cgroup(int directory)
{
	long fd = raw(SYS_openat, directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	long result = raw(SYS_write, fd, "0", 1);
	raw(SYS_close, fd);
	return result;
}

static long take_foreground(int terminal)
{
	int group = (int)raw(SYS_getpgid, 0);
	return raw(SYS_ioctl, terminal, TIOCSPGRP, &group);
}

/* --- a descriptor table of its own --- */

static bool is_needed(const struct plan *plan, int fd)
{
	for (unsigned i = 0; i < plan->needed_count; i++)
		if (plan->needed[i] == fd)
			return true;
	return false;
}

/* The lowest needed number that is not below `fd`. */
static unsigned next_needed(const struct plan *plan, unsigned fd)
{
	unsigned next = plan->first_unneeded;
	for (unsigned i = 0; i < plan->needed_count; i++) {
		unsigned needed = (unsigned)plan->needed[i];
		if (needed >= fd && needed < next)
			next = needed;
	}
	return next;
}

static bool is_close_on_exec(int fd)
{
	long flags = raw(SYS_fcntl, fd, F_GETFD);
	return flags >= 0 && flags & FD_CLOEXEC;
}

/* The first number, from `fd` on, that the map does not close. */
static int end_of_closed(const struct plan *plan, int fd)
{
	while (fd < (int)plan->options.fd_map_count && plan->fd_map[fd] == AFORK_FD_CLOSE && !is_needed(plan, fd))
		fd++;
	return fd;
}

/* A map that passes on a high number closes hundreds: one call for each row of them. */
static void close_others_of_map(const struct plan *plan)
{
	const int count = (int)plan->options.fd_map_count;
	for (int fd = 0; fd < count; fd++) {
		const int end = end_of_closed(plan, fd);
		if (end > fd)
			raw(SYS_close_range, fd, end - 1, 0);
		fd = end;
		if (fd < count && plan->fd_map[fd] == AFORK_FD_KEEP && !is_needed(plan, fd) && is_close_on_exec(fd))
			raw(SYS_close, fd);
	}
}

/* Copies what lies below the first number that nobody needs, and closes the gaps in that. */
static void take_only_given(const struct plan *plan)
{
	const unsigned count = (unsigned)plan->options.fd_map_count;
	check(plan, AFORK_STEP_FDS, raw(SYS_close_range, plan->first_unneeded, ~0u, 2 /* CLOSE_RANGE_UNSHARE */));
	for (unsigned fd = count > 3 ? count : 3; fd < plan->first_unneeded;) {
		unsigned needed = next_needed(plan, fd);
		if (needed > fd)
			raw(SYS_close_range, fd, needed - 1, 0);
		fd = needed + 1;
	}
	close_others_of_map(plan);
}

static void tell_settled(const struct plan *plan)
{
	struct afork_job *job = plan->job;
	__atomic_store_n(&job->settled, 1, __ATOMIC_SEQ_CST);
	raw(SYS_futex, &job->settled, 1 | 128 /* FUTEX_WAKE_PRIVATE */, 0x7fffffff, 0, 0, 0);
	if (plan->bell >= 0 && __atomic_load_n(&job->rings_when_settled, __ATOMIC_SEQ_CST))
		raw(SYS_write, plan->bell, "", 1);
}

static void set_up_process(const struct plan *plan)
{
	const struct afork_options *options = &plan->options;
	if (plan->close_others)
		take_only_given(plan);
	else if (plan->share_files)
		check(plan, AFORK_STEP_FDS, raw(SYS_unshare, 0x400 /* CLONE_FILES */));
	if (plan->bell_read >= 0)
		raw(SYS_close, plan->bell_read);
	if (plan->join_cgroup)
		check(plan, AFORK_STEP_CGROUP, join_cgroup(options->cgroup_fd));
	if (options->flags & AFORK_SETSID)
		check(plan, AFORK_STEP_SETSID, raw(SYS_setsid));
	if (options->flags & AFORK_SETPGROUP)
		check(plan, AFORK_STEP_SETPGROUP, raw(SYS_setpgid, 0, options->pgroup));
	if (options->flags & AFORK_FOREGROUND)
		check(plan, AFORK_STEP_FOREGROUND, take_foreground(options->terminal));
	if (options->flags & AFORK_SETSCHED)
		check(plan, AFORK_STEP_SCHED,
		      raw(SYS_sched_setscheduler, 0, options->sched_policy, &options->sched_priority));
	if (plan->close_others)
		tell_settled(plan);
}

static void enter_directory(const struct plan *plan)
{
	const struct afork_options *options = &plan->options;
	if (options->flags & AFORK_CWD_FD)
		check(plan, AFORK_STEP_CWD, raw(SYS_fchdir, options->cwd_fd));
	else if (options->cwd)
		check(plan, AFORK_STEP_CWD, raw(SYS_chdir, options->cwd));
}

/* --- descriptors --- */

/* The bell's number was free in the parent, so the user may well have chosen it for something. */
static long move_bell_from(struct plan *plan, int fd)
{
	if (fd != plan->bell)
		return 0;
	long moved = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, fd + 1);
	if (moved < 0)
		return moved;
	plan->bell = (int)moved;
	return 0;
}

static long move_bell_above(struct plan *plan, int count)
{
	if (plan->bell < 0 || plan->bell >= count)
		return 0;
	long moved = raw(SYS_fcntl, plan->bell, F_DUPFD_CLOEXEC, count);
	if (moved < 0)
		return moved;
	raw(SYS_close, plan->bell);
	plan->bell = (int)moved;
	return 0;
}

static long keep_over_exec(int fd)
{
	long flags = raw(SYS_fcntl, fd, F_GETFD);
	return flags < 0 ? flags : raw(SYS_fcntl, fd, F_SETFD, flags & ~FD_CLOEXEC);
}

static long duplicate(const struct plan *plan, int from, int to)
{
	if (from == plan->bell)
		return -EBADF; /* as if it were not there */
	return from == to ? keep_over_exec(to) : raw(SYS_dup3, from, to, 0);
}

static long open_as(int fd, const char *path, int flags, mode_t mode)
{
	raw(SYS_close, fd); /* first: it may be the last free descriptor (POSIX says so too) */
	long opened = raw(SYS_openat, AT_FDCWD, path, flags, mode);
	if (opened < 0 || opened == fd)
		return opened;
	long result = raw(SYS_dup3, opened, fd, flags & O_CLOEXEC);
	raw(SYS_close, opened);
	return result;
}

static long close_between(unsigned first, unsigned last)
{
	if (first > last)
		return 0;
	long result = raw(SYS_close_range, first, last, 0);
	if (result != -ENOSYS && result != -EPERM)
		return result;
	/* Before 5.9. Descriptors above a limit that was lowered later are missed. */
	uint64_t limit[2] = {0, 0};
	raw(SYS_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, limit);
	for (unsigned fd = first; fd <= last && fd < limit[0]; fd++)
		raw(SYS_close, fd);
	return 0;
}

static long close_from(const struct plan *plan, int fd)
{
	unsigned first = (unsigned)fd, bell = (unsigned)plan->bell;
	if (plan->bell < fd)
		return close_between(first, ~0u);
	if (bell > 0)
		close_between(first, bell - 1);
	return close_between(bell + 1, ~0u);
}

/* Sources that an earlier entry of the map overwrites are moved above it first, so that a swap works. */
static long save_source(struct plan *plan, int entry)
{
	int from = plan->fd_map[entry];
	if (from < 0 || from >= entry)
		return 0;
	long saved = raw(SYS_fcntl, from, F_DUPFD_CLOEXEC, plan->options.fd_map_count);
	if (saved >= 0)
		plan->fd_map[entry] = (int)saved;
	return saved;
}

static long set_blocking(int fd)
{
	long flags = raw(SYS_fcntl, fd, F_GETFL);
	return flags < 0 || !(flags & O_NONBLOCK) ? flags : raw(SYS_fcntl, fd, F_SETFL, flags & ~O_NONBLOCK);
}

static long map_one(const struct plan *plan, int fd)
{
	int from = plan->fd_map[fd];
	if (from == AFORK_FD_KEEP)
		return 0;
	if (from == FD_BAD)
		return -EBADF;
	if (from == AFORK_FD_NULL)
		return open_as(fd, "/dev/null", O_RDWR, 0);
	if (from == AFORK_FD_CLOSE) {
		if (!plan->close_others || is_needed(plan, fd))
			raw(SYS_close, fd);
		return 0;
	}
	long result = duplicate(plan, from, fd);
	if (result >= 0 && fd <= 2 && plan->options.flags & AFORK_STDIO_BLOCKING)
		result = set_blocking(fd);
	return result;
}

/* Above all that the map and the actions name. */
static long move_file_above(struct plan *plan, int count)
{
	int floor = count;
	for (size_t i = 0; i < plan->options.action_count; i++)
		if (plan->options.actions[i].fd >= floor)
			floor = plan->options.actions[i].fd + 1;
	if (!(plan->options.flags & AFORK_FILE_FD) || plan->options.file_fd >= floor)
		return 0;
	long moved = raw(SYS_fcntl, plan->options.file_fd, F_DUPFD_CLOEXEC, floor);
	if (moved >= 0)
		plan->options.file_fd = (int)moved;
	return moved;
}

static void map_fds(struct plan *plan)
{
	int count = (int)plan->options.fd_map_count;
	check(plan, AFORK_STEP_FD_MAP, move_bell_above(plan, count));
	check(plan, AFORK_STEP_FD_MAP, move_file_above(plan, count));
	for (int fd = 0; fd < count; fd++) {
		long result = save_source(plan, fd);
		if (result < 0)
			fail(plan, AFORK_STEP_FD_MAP, fd, result);
	}
	for (int fd = 0; fd < count; fd++) {
		long result = map_one(plan, fd);
		if (result < 0)
			fail(plan, AFORK_STEP_FD_MAP, fd, result);
	}
}

static long act(struct plan *plan, const struct afork_action *action)
{
	long result;
	switch (action->type) {
	case AFORK_OPEN:
		result = move_bell_from(plan, action->fd);
		return result < 0 ? result : open_as(action->fd, action->path, action->flags, action->mode);
	case AFORK_CLOSE:
		if (action->fd != plan->bell)
			raw(SYS_close, action->fd);
		return 0;
	case AFORK_DUP2:
		if (action->from == plan->bell)
			return -EBADF;
		result = move_bell_from(plan, action->fd);
		return result < 0 ? result : duplicate(plan, action->from, action->fd);
	case AFORK_CHDIR:
		return raw(SYS_chdir, action->path);
	case AFORK_FCHDIR:
		return raw(SYS_fchdir, action->fd);
	case AFORK_CLOSEFROM:
		return close_from(plan, action->fd);
	case AFORK_TCSETPGRP:
		return take_foreground(action->fd);
	case AFORK_SETCTTY:
		return raw(SYS_ioctl, action->fd, TIOCSCTTY, 0);
	}
	return -EINVAL;
}

static void act_all(struct plan *plan)
{
	for (size_t index = 0; index < plan->options.action_count; index++) {
		long result = act(plan, &plan->options.actions[index]);
		if (result < 0)
			fail(plan, AFORK_STEP_ACTION, (int)index, result);
	}
}

/* --- limits and identity --- */

static void set_limits(const struct plan *plan)
{
	for (size_t index = 0; index < plan->options.rlimit_count; index++) {
		const struct afork_rlimit *limit = &plan->options.rlimits[index];
		long result = raw(SYS_prlimit64, 0, limit->resource, &limit->soft, 0);
		if (result < 0)
			fail(plan, AFORK_STEP_RLIMIT, (int)index, result);
	}
}

/* Raw: libc's setuid() would ask every thread of the parent to follow. */
static void set_identity(const struct plan *plan)
{
	const struct afork_options *options = &plan->options;
	if (options->flags & AFORK_SETGROUPS)
		check(plan, AFORK_STEP_SETGROUPS, raw(SYS_setgroups, options->group_count, options->groups));
	if (options->flags & AFORK_SETGID)
		check(plan, AFORK_STEP_SETGID, raw(SYS_setresgid, options->gid, options->gid, options->gid));
	if (options->flags & AFORK_SETUID)
		check(plan, AFORK_STEP_SETUID, raw(SYS_setresuid, options->uid, options->uid, options->uid));
}

/* --- exec --- */

enum {
	BUSY_TRIES = 100, /* a millisecond apart */
};

static long execute_when_free(const struct plan *plan, const char *file)
{
	const struct timespec pause = {0, 1000000};
	long error = raw(SYS_execve, file, plan->argv, plan->options.envp);
	if (plan->options.flags & AFORK_RETRY_BUSY)
		for (int tries = 0; error == -ETXTBSY && tries < BUSY_TRIES; tries++) {
			raw(SYS_nanosleep, &pause, 0);
			error = raw(SYS_execve, file, plan->argv, plan->options.envp);
		}
	return error;
}

static long execute(const struct plan *plan, const char *file)
{
	long error = execute_when_free(plan, file);
	if (error != -ENOEXEC || !(plan->options.flags & AFORK_SHELL_FALLBACK))
		return error;
	/* {name, a, b} becomes {/bin/sh, file, a, b}, and back if there is no shell. */
	const char *name = plan->argv[0];
	plan->argv[-1] = "/bin/sh";
	plan->argv[0] = file;
	error = raw(SYS_execve, "/bin/sh", plan->argv - 1, plan->options.envp);
	plan->argv[0] = name;
	return error;
}

static bool is_file_fd(const struct plan *plan, const char *file)
{
	struct stat by_name, by_fd;
	return raw(SYS_newfstatat, AT_FDCWD, file, &by_name, 0) == 0 &&
	       raw(SYS_newfstatat, plan->options.file_fd, "", &by_fd, AT_EMPTY_PATH) == 0 &&
	       by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

/* By its name if that still leads there: a program sees its name in AT_EXECFN, and before Linux 6.14 in its comm. */
static long execute_held(const struct plan *plan, const char *file)
{
	long error = is_file_fd(plan, file) ? execute(plan, file) : -ESTALE;
	if (error != -ENOENT && error != -ENOTDIR && error != -ESTALE)
		return error;
	error = raw(SYS_execveat, plan->options.file_fd, "", plan->argv, plan->options.envp, AT_EMPTY_PATH);
	/* ENOENT: a script, whose interpreter could not open it, for the descriptor is close-on-exec. */
	return error == -ENOENT ? execute(plan, file) : error;
}

/* As execvp(): what may be missing or is not reachable gives way to the next; a refusal is what gets reported. */
static long execute_first(const struct plan *plan)
{
	long error = -ENOENT;
	bool refused = false;
	for (const char *const *file = plan->options.candidates; *file; file++) {
		bool held = plan->options.flags & AFORK_FILE_FD && file == plan->options.candidates;
		error = held ? execute_held(plan, *file) : execute(plan, *file);
		refused = refused || error == -EACCES;
		if (error != -EACCES && error != -ENOENT && error != -ENOTDIR && error != -ESTALE && error != -ENODEV &&
		    error != -ETIMEDOUT)
			return error;
	}
	return refused ? -EACCES : error;
}

int spawn_child(void *argument)
{
	struct plan *plan = argument;
	set_up_process(plan);
	reset_signals(plan);
	enter_directory(plan);
	map_fds(plan);
	act_all(plan);
	set_limits(plan);
	set_identity(plan);
	set_signal_mask(plan->mask);
	fail(plan, AFORK_STEP_EXEC, 0, execute_first(plan));
}
