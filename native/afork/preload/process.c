/* SPDX-License-Identifier: MIT */
/* What holds for the process: the functions behind ours, and whether afork may be used. */
#include "preload.h"
#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdlib.h>

static struct next functions;
static bool prepared, alone; /* alone: nobody but glibc is behind us */
static pid_t owner;	     /* the process that our state is of */
static int mechanism;	     /* enum afork_mechanism; AFORK_ANY: none that is safe and does not wait */

/* --- the functions behind ours --- */

static const void *library_of(const void *address)
{
	Dl_info info;
	return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* Through memory, for ISO C has no cast from a data pointer. Notes whether it is glibc's. */
static void find(void *to, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	*(void **)to = found;
	alone = alone && (!found || library_of(found) == library_of((const void *)gnu_get_libc_version));
}

static void find_functions(void)
{
	alone = true;
	find(&functions.posix_spawn, "posix_spawn");
	find(&functions.posix_spawnp, "posix_spawnp");
	find(&functions.pidfd_spawn, "pidfd_spawn");
	find(&functions.pidfd_spawnp, "pidfd_spawnp");
	find(&functions.system, "system");
	find(&functions.popen, "popen");
	find(&functions.pclose, "pclose");
	find(&functions.fclose, "fclose");
	find(&functions.getcgroup, "posix_spawnattr_getcgroup_np");
}

static bool glibc_is_at_least(unsigned wanted_minor)
{
	const char *version = gnu_get_libc_version(); /* "2.36" */
	unsigned minor = 0;
	if (version[0] != '2' || version[1] != '.')
		return true;
	for (version += 2; *version >= '0' && *version <= '9'; version++)
		minor = minor * 10 + (unsigned)(*version - '0');
	return minor >= wanted_minor;
}

/* --- fork() --- */

static void before_fork_of_calls(void)
{
	popen_before_fork();
	system_before_fork();
	children_before_fork();
	known_before_fork();
}

static void after_fork_of_calls(void)
{
	known_after_fork();
	children_after_fork();
	system_after_fork();
	popen_after_fork();
}

static void in_forked_copy(void)
{
	known_after_fork();
	children_after_fork();
	system_after_fork();
	popen_in_forked();
	owner = (pid_t)raw(SYS_getpid);
}

/* --- once --- */

/* A constructor, but another library's constructor may call us before it runs. The linker puts it behind afork's. */
__attribute__((constructor)) static void prepare(void)
{
	if (prepared)
		return;
	prepared = true;
	find_functions();
	functions.shell_dashes = glibc_is_at_least(38);
	functions.popen_tells_errno = glibc_is_at_least(38);
	functions.actions_legible = actions_self_test();
	enum afork_mechanism best = mechanism_best();
	mechanism = best == AFORK_CLONE3 || best == AFORK_CLONE ? (int)best : AFORK_ANY;
	owner = (pid_t)raw(SYS_getpid);
	pthread_atfork(before_fork_of_calls, after_fork_of_calls, in_forked_copy);
}

const struct next *next(void)
{
	prepare();
	return &functions;
}

bool process_usable(void)
{
	prepare();
	return alone && __atomic_load_n(&mechanism, __ATOMIC_RELAXED) != AFORK_ANY && owner == (pid_t)raw(SYS_getpid);
}

int process_spawn(struct afork_job **job, struct afork_options *options)
{
	for (;;) {
		int tried = __atomic_load_n(&mechanism, __ATOMIC_RELAXED);
		if (tried == AFORK_ANY)
			return ENOTSUP;
		options->mechanism = (enum afork_mechanism)tried;
		int error = afork_spawn(job, options);
		/* With a cgroup, what is refused may be the cgroup. */
		if (error != ENOTSUP || options->flags & AFORK_SETCGROUP)
			return error;
		int left = tried == AFORK_CLONE3 ? AFORK_CLONE : AFORK_ANY;
		__atomic_store_n(&mechanism, left, __ATOMIC_RELAXED);
	}
}
