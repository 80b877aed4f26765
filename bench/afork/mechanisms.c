/* SPDX-License-Identifier: MIT */
/* The mechanisms, each as a program would use it that only wants to run another program. */
#define _GNU_SOURCE
#include "spawner.h"
#include "afork.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct afork_job *job;
static char *bare_stack;

static int execute(void *program)
{
	char *argv[] = {program, NULL};
	execve(program, argv, environ);
	return 127;
}

static void spawn_fork(char *program)
{
	const pid_t pid = fork();
	if (pid == 0)
		_exit(execute(program));
	if (pid < 0)
		fail("fork", errno);
}

static void spawn_vfork(char *program)
{
	char *argv[] = {program, NULL};
	const pid_t pid = vfork();
	if (pid == 0) {
		execve(program, argv, environ);
		_exit(127);
	}
	if (pid < 0)
		fail("vfork", errno);
}

static void spawn_posix(char *program)
{
	char *argv[] = {program, NULL};
	pid_t pid;
	const int error = posix_spawn(&pid, program, NULL, NULL, argv, environ);
	if (error)
		fail("posix_spawn", error);
}

/* The floor. It is unsafe: no signal is blocked, errno is shared, there is one child at a time, and nothing is copied. */
static void begin_bare(void)
{
	bare_stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (bare_stack == MAP_FAILED)
		fail("mmap", errno);
	memset(bare_stack, 1, 65536);
}

static void spawn_bare(char *program)
{
	if (clone(execute, bare_stack + 65536, CLONE_VM | SIGCHLD, program) < 0)
		fail("clone", errno);
}

static void spawn_afork(char *program)
{
	const struct afork_options options = {.size = sizeof options, .file = program};
	const int error = afork_spawn(&job, &options);
	if (error)
		fail("afork_spawn", error);
}

/* The caller closes nothing meanwhile, so the child may copy the table of descriptors itself. */
static void spawn_afork_deferred(char *program)
{
	const struct afork_options options = {.size = sizeof options, .file = program, .flags = AFORK_DEFER_FDS};
	const int error = afork_spawn(&job, &options);
	if (error)
		fail("afork_spawn", error);
}

/* A fallback to another mechanism must not be published as afork. */
static void after_afork(void)
{
	const enum afork_mechanism used = afork_job_mechanism(job);
	if (used != AFORK_CLONE3 && used != AFORK_CLONE)
		fail("afork_spawn fell back, which is not what is measured here, to", -(int)used);
	afork_job_free(job);
}

static void spawn_emulated(char *program)
{
	if (emulated_afork(execute, program, NULL) != 0)
		fail("emulated_afork", errno);
}

static void begin_avfork(void)
{
	if (avfork_configure(2, 4, 60000) != 0)
		fail("avfork_configure", errno);
}

static void spawn_avfork(char *program)
{
	if (avfork(execute, program) < 0)
		fail("avfork", errno);
}

static const struct mechanism MECHANISMS[] = {
	{"fork", spawn_fork, NULL, NULL},
	{"vfork", spawn_vfork, NULL, NULL},
	{"posix_spawn", spawn_posix, NULL, NULL},
	{"clone(CLONE_VM)", spawn_bare, begin_bare, NULL},
	{"afork_spawn", spawn_afork, NULL, after_afork},
	{"afork_spawn, deferred", spawn_afork_deferred, NULL, after_afork},
	{"emulated_afork", spawn_emulated, NULL, NULL},
	{"avfork", spawn_avfork, begin_avfork, NULL},
};

const struct mechanism *find_mechanism(const char *name)
{
	for (size_t i = 0; i < sizeof MECHANISMS / sizeof *MECHANISMS; i++)
		if (strcmp(MECHANISMS[i].name, name) == 0)
			return &MECHANISMS[i];
	return NULL;
}
