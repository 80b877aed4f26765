// SPDX-License-Identifier: MIT
/* Spawns in unusual places: places signal|altstack|thread|tail. Compiled with -O2 -fomit-frame-pointer. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME __attribute__((noinline, noclone))
static volatile int after;
static int *volatile nowhere;

FRAME static void spawn(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	after++;
}

FRAME static void handler(int sig)
{
	(void)sig;
	spawn();
	after++;
}

/* The signal comes between two instructions, not at a call. */
FRAME static void interrupted(void)
{
	after = *nowhere;
	after++;
}

FRAME static void fault_with(int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGSEGV, &action, NULL);
	interrupted();
	after++;
}

FRAME static void on_own_stack(void)
{
	static char stack[65536];
	stack_t own = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&own, NULL);
	fault_with(SA_ONSTACK);
	after++;
}

FRAME static void *thread(void *argument)
{
	spawn();
	after++;
	return argument;
}

FRAME static void in_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, thread, NULL);
	pthread_join(id, NULL);
	after++;
}

/* spawn() is jumped to: this function is in no stack. */
FRAME static void jumps(void)
{
	after++;
	spawn();
}

FRAME static void in_tail_call(void)
{
	jumps();
	after++;
}

int main(int argc, char **argv)
{
	const char *place = argc > 1 ? argv[1] : "";

	if (strcmp(place, "signal") == 0)
		fault_with(0);
	else if (strcmp(place, "altstack") == 0)
		on_own_stack();
	else if (strcmp(place, "thread") == 0)
		in_thread();
	else
		in_tail_call();
	return after == 0;
}
