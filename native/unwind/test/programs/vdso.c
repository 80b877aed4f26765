/*
 * Forks in the handler of a signal that came while the thread was in the vdso: main, read_clock, the vdso, handler. Tries
 * until one does.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define LINK __attribute__((noinline, noclone))
#define VDSO_BYTES 8192 /* no vdso is smaller than what this may miss of it */

static volatile int done;

static uintptr_t interrupted_at(const ucontext_t *context)
{
#ifdef __x86_64__
	return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#else
	return (uintptr_t)context->uc_mcontext.pc;
#endif
}

LINK static void handler(int signal, siginfo_t *info, void *context)
{
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), at = interrupted_at(context);

	(void)signal;
	(void)info;
	if (done || at < vdso || at >= vdso + VDSO_BYTES)
		return;
	done = 1;
	if (fork() == 0)
		_exit(0);
	wait(NULL);
}

LINK static void read_clock(void)
{
	struct timespec now;

	while (!done)
		clock_gettime(CLOCK_MONOTONIC, &now);
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct itimerval often = {.it_interval = {0, 500}, .it_value = {0, 500}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	read_clock();
	return 0;
}
