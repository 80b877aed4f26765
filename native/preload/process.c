/* SPDX-License-Identifier: MIT */
/* What holds for the process: the functions behind ours, and whether afork may be used. */
#include "preload.h"
#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <pthread.h>
#include <string.h>

static struct next functions;
static bool prepared, alone; /* alone: nobody but glibc is behind us */
static pid_t owner;	     /* the process that our state is of */
static int mechanism;	     /* enum afork_mechanism; AFORK_ANY: none that is safe and does not wait */

/* --- the functions behind ours --- */

/* Where each of our own names is found next. Those of glibc 2.39 are NULL where an older one runs. */
static const struct {
	const char *name;
	void *function; /* a pointer to it in `functions` */
} wanted[] = {
	{"posix_spawn", &functions.posix_spawn},
	{"posix_spawnp", &functions.posix_spawnp},
	{"pidfd_spawn", &functions.pidfd_spawn},
	{"pidfd_spawnp", &functions.pidfd_spawnp},
	{"posix_spawnattr_getcgroup_np", &functions.getcgroup},
	{"system", &functions.system},
	{"popen", &functions.popen},
	{"pclose", &functions.pclose},
	{"fclose", &functions.fclose},
};

/* ISO C has no cast between pointers to functions and to data: so through memory. */
static void *address_in(const void *function)
{
	void *address;
	memcpy(&address, function, sizeof address);
	return address;
}

void find_next(const char *name, void *function)
{
	void *found = dlsym(RTLD_NEXT, name);
	memcpy(function, &found, sizeof found);
}

static void find_functions(void)
{
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		find_next(wanted[i].name, wanted[i].function);
}

static bool contains(const struct dl_phdr_info *library, const void *address)
{
	uintptr_t offset = (uintptr_t)address - library->dlpi_addr;
	for (unsigned i = 0; i < library->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && offset - segment->p_vaddr < segment->p_memsz)
			return true;
	}
	return false;
}

/* 1: nobody stands between us and glibc. 2: somebody does. 0: this is not glibc. (dladdr() would take 20 us a name.) */
static int look_for_others(struct dl_phdr_info *library, size_t size, void *unused)
{
	(void)size, (void)unused;
	if (!contains(library, (const void *)(uintptr_t)gnu_get_libc_version))
		return 0;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		const void *address = address_in(wanted[i].function);
		if (address && !contains(library, address))
			return 2;
	}
	return 1;
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

static void in_forked_copy(void)
{
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
	alone = dl_iterate_phdr(look_for_others, NULL) == 1;
	functions.shell_dashes = glibc_is_at_least(38);
	functions.popen_tells_errno = glibc_is_at_least(38);
	enum afork_mechanism best = mechanism_best();
	mechanism = best == AFORK_CLONE3 || best == AFORK_CLONE ? (int)best : AFORK_ANY;
	owner = (pid_t)raw(SYS_getpid);
	pthread_atfork(NULL, NULL, in_forked_copy);
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
