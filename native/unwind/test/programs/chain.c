// SPDX-License-Identifier: MIT
/* main → outer → middle (in a shared library, if built so) → a function pointer → spawn → HOW. Compiled with -O2 -fomit-frame-pointer. */
#define _GNU_SOURCE
#include "chain.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *how;

/* What comes after a call keeps it from becoming a jump. */
#define FRAME __attribute__((noinline, noclone))
static volatile int after;

FRAME static void by_fork(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	after++;
}

FRAME static void by_vfork(void)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	after++;
}

FRAME static void by_posix_spawn(void)
{
	char *argv[] = {"true", NULL};
	pid_t child = 0;

	posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ);
	waitpid(child, NULL, 0);
	after++;
}

FRAME static void spawn(void)
{
	if (strcmp(how, "fork") == 0)
		by_fork();
	else if (strcmp(how, "vfork") == 0)
		by_vfork();
	else
		by_posix_spawn();
	after++;
}

FRAME static void outer(int depth)
{
	if (depth > 1)
		outer(depth - 1);
	else
		middle(spawn);
	after++;
}

int main(int argc, char **argv)
{
	how = argc > 1 ? argv[1] : "fork";
	outer(argc > 2 ? atoi(argv[2]) : 1);
	return after == 0;
}
