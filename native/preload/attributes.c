/* SPDX-License-Identifier: MIT */
/* Attributes and arguments, read through glibc's own getters. */
#include "preload.h"
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#define SETCGROUP_FLAG 0x100 /* POSIX_SPAWN_SETCGROUP, of glibc 2.39 */
#define USEVFORK_FLAG 0x40   /* POSIX_SPAWN_USEVFORK: without meaning since glibc 2.24 */

static uint64_t bits_of(const sigset_t *set)
{
	uint64_t bits;
	memcpy(&bits, set, sizeof bits); /* glibc's begins with the kernel's */
	return bits;
}

static bool resets_ids_to_themselves(void)
{
	return raw(SYS_getuid) == raw(SYS_geteuid) && raw(SYS_getgid) == raw(SYS_getegid);
}

/*
 * A group of its own: the child's setpgid() cannot fail, and the caller does it too (spawn.c). Another group may be gone
 * by the time that the child joins it, but the caller's own cannot.
 */
static bool read_group(struct afork_options *options, const posix_spawnattr_t *attributes)
{
	posix_spawnattr_getpgroup(attributes, &options->pgroup);
	options->flags |= AFORK_SETPGROUP;
	return options->pgroup == 0 || options->pgroup == (pid_t)raw(SYS_getpgid, 0);
}

static bool read_cgroup(struct afork_options *options, const posix_spawnattr_t *attributes)
{
	options->flags |= AFORK_SETCGROUP;
	return next()->getcgroup && next()->getcgroup(attributes, &options->cgroup_fd) == 0;
}

static void read_signals(struct afork_options *options, const posix_spawnattr_t *attributes, short flags)
{
	const uint64_t libc_signals = UINT64_C(3) << 31; /* 32 and 33: glibc leaves them out of any mask */
	sigset_t set;
	if (flags & POSIX_SPAWN_SETSIGMASK) {
		posix_spawnattr_getsigmask(attributes, &set);
		options->signal_mask = bits_of(&set) & ~libc_signals;
	}
	if (flags & POSIX_SPAWN_SETSIGDEF) {
		posix_spawnattr_getsigdefault(attributes, &set);
		options->signals_default = bits_of(&set);
	}
}

/*
 * Left to glibc: scheduling, of which only trying tells whether it is allowed; and a session, because the caller may
 * rely on it, and on the group that comes with it, as soon as posix_spawn() has returned, and only the child can make it.
 */
enum way attributes_read(struct afork_options *options, const posix_spawnattr_t *attributes, uint64_t mask)
{
	const short simple = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | USEVFORK_FLAG;
	short flags = 0;
	options->flags |= AFORK_SETMASK;
	options->signal_mask = mask;
	if (!attributes)
		return WAY_AFORK;
	posix_spawnattr_getflags(attributes, &flags);
	if (flags & ~(simple | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_RESETIDS | SETCGROUP_FLAG))
		return WAY_ATTRIBUTE;
	read_signals(options, attributes, flags);
	if ((flags & POSIX_SPAWN_RESETIDS && !resets_ids_to_themselves()) ||
	    (flags & POSIX_SPAWN_SETPGROUP && !read_group(options, attributes)) ||
	    (flags & SETCGROUP_FLAG && !read_cgroup(options, attributes)))
		return WAY_ATTRIBUTE;
	return WAY_AFORK;
}

/* --- arguments --- */

enum {
	STRING_BYTES = 32 * 4096,  /* MAX_ARG_STRLEN, with the smallest pages */
	SLACK_BYTES = 16 * 1024,   /* for the program's path, and what a script's first line adds */
	CERTAIN_BYTES = 128 << 10, /* ARG_MAX: always allowed */
	MOST_BYTES = 6 << 20,	   /* three quarters of 8 MiB, whatever the limit (bprm_stack_limits) */
};

static size_t vector_bytes(char *const vector[])
{
	size_t total = 0;
	for (; *vector; vector++) {
		size_t bytes = strlen(*vector) + 1;
		if (bytes > STRING_BYTES - SLACK_BYTES)
			return SIZE_MAX / 4;
		total += bytes + sizeof *vector;
	}
	return total;
}

static size_t allowed_bytes(void)
{
	struct rlimit limit;
	if (raw(SYS_prlimit64, 0, RLIMIT_STACK, 0, &limit) < 0)
		return CERTAIN_BYTES;
	size_t allowed = limit.rlim_cur / 4 < MOST_BYTES ? limit.rlim_cur / 4 : MOST_BYTES;
	return allowed > CERTAIN_BYTES ? allowed : CERTAIN_BYTES;
}

enum way arguments_check(const char *file, char *const argv[], char *const envp[])
{
	if (!file || !argv) /* the caller's fault; glibc's is the place for it to show */
		return WAY_ARGUMENTS;
	size_t total = vector_bytes(argv) + (envp ? vector_bytes(envp) : 0) + SLACK_BYTES;
	return total <= CERTAIN_BYTES || total <= allowed_bytes() ? WAY_AFORK : WAY_ARGUMENTS;
}
