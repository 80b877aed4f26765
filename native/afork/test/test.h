/* SPDX-License-Identifier: MIT */
/* A runner in the manner of TAP, and what most tests do with a child. */
#ifndef AFORK_TEST_H
#define AFORK_TEST_H

#define _GNU_SOURCE
#include "../core/mechanism.h"
#include "../core/plan.h"
#include "../core/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS(...) {.size = sizeof(struct afork_options), __VA_ARGS__}
static int tests_run, tests_failed;
static bool this_failed;

#define check(condition, ...)                                                                                          \
	((condition) ? (void)0                                                                                         \
		     : (this_failed = true, printf("# %s:%d: not so: %s", __FILE__, __LINE__, #condition),             \
			printf(" " __VA_ARGS__), (void)putchar('\n')))
#define check_equal(actual, expected)                                                                                  \
	do {                                                                                                           \
		long long actual_ = (long long)(actual), expected_ = (long long)(expected);                            \
		check(actual_ == expected_, "(%s is %lld, not %lld)", #actual, actual_, expected_);                    \
	} while (0)
#define check_string(actual, expected)                                                                                 \
	do {                                                                                                           \
		const char *actual_ = (actual), *expected_ = (expected);                                               \
		check(!strcmp(actual_, expected_), "(%s is «%s», not «%s»)", #actual, actual_, expected_);             \
	} while (0)

static inline void run(const char *name, void (*test)(void))
{
	this_failed = false;
	test();
	tests_run++;
	tests_failed += this_failed;
	printf("%s %d - %s\n", this_failed ? "not ok" : "ok", tests_run, name);
	fflush(stdout);
}

static inline int done(void)
{
	printf("1..%d\n", tests_run);
	return tests_failed > 0;
}

/* The mechanism that a plain child must have had here: valgrind knows fork() only. */
static inline enum afork_mechanism expected_mechanism(void)
{
	return mechanism_best();
}

/* afork()'s: instrumented code gets fork(). */
static inline enum afork_mechanism expected_of_afork(void)
{
	return instrumented() ? AFORK_FORK : expected_mechanism();
}

/* Whether the status of a child can be had that somebody else has reaped: Linux 6.15. */
static inline bool kernel_keeps_status(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;
	uname(&kernel);
	sscanf(kernel.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 15);
}

/* Valgrind neither executes /proc/self/exe nor sets limits. */
static inline bool under_valgrind(void)
{
	return getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload");
}

static inline bool shares_memory(void)
{
	return expected_mechanism() < AFORK_VFORK;
}

static inline struct afork_job *start(const struct afork_options *options)
{
	struct afork_job *job = NULL;
	int error = afork_spawn(&job, options);
	check(error == 0, "(%s)", strerror(error));
	if (error)
		exit(1);
	return job;
}

/* Waits and frees: the status. */
static inline int finish(struct afork_job *job)
{
	int status = -1;
	check_equal(afork_job_wait(job, &status, 0), 0);
	afork_job_free(job);
	return status;
}

static inline int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline char *read_all(int fd)
{
	static char text[1 << 16];
	size_t length = 0;
	ssize_t size;
	while (length < sizeof text - 1 && (size = read(fd, text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)size;
	text[length] = 0;
	return text;
}

/* What the child writes to its standard output; its status into *status. fd_map must not be set. */
static inline char *output(struct afork_options *options, int *status)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	const int map[] = {0, ends[1], 2};
	options->fd_map = map;
	options->fd_map_count = 3;
	struct afork_job *job = start(options);
	close(ends[1]);
	char *text = read_all(ends[0]);
	close(ends[0]);
	int result = finish(job);
	if (status)
		*status = result;
	return text;
}

static inline void skip(const char *name, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tests_run, name, why);
}

/* --- a child that stays in our memory, for it opens a FIFO that nobody writes to --- */

static char fifo_path[] = "/tmp/afork-test-fifo-XXXXXX";

static inline void make_fifo(void)
{
	if (!mkdtemp(fifo_path) || rmdir(fifo_path) || mkfifo(fifo_path, 0600))
		exit(1);
}

static const struct afork_action wait_for_writer = {
	.type = AFORK_OPEN, .fd = 9, .path = fifo_path, .flags = O_RDONLY | O_CLOEXEC};

static inline struct afork_job *start_stuck(const char *file, uint32_t flags)
{
	struct afork_options options =
		OPTIONS(.file = file, .actions = &wait_for_writer, .action_count = 1, .flags = flags);
	struct afork_job *job = start(&options);
	check_equal(afork_job_state(job, NULL), AFORK_STARTING);
	return job;
}

/* Lets all go that wait there. */
static inline void let_go(void)
{
	int fd = open(fifo_path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0);
	close(fd);
}

#define VECTOR(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
