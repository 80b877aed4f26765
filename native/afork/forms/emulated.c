/* SPDX-License-Identifier: MIT */
/* emulated_afork(): somebody has to wait in vfork(), so a thread does. Nothing here but POSIX threads and vfork(). */
#define _GNU_SOURCE
#include "../core/mechanism.h"
#include "../core/signals.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct emulation {
	int (*function)(void *);
	void *argument;
	void (*done)(pid_t);
	uint64_t mask;
};

static _Noreturn void run_child(const struct emulation *emulation)
{
	clear_handlers();
	set_signal_mask(emulation->mask);
	_exit(emulation->function(emulation->argument));
}

static void *wait_in_vfork(void *argument)
{
	struct emulation *emulation = argument;
	pid_t pid = vfork();
	if (pid == 0)
		run_child(emulation);
	block_all_but_libcs_signals();
	if (emulation->done)
		emulation->done(pid);
	free(emulation);
	return NULL;
}

/* With all signals blocked: the thread inherits that, and its child, until the handlers are cleared. */
static int start_thread(struct emulation *emulation)
{
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 * 1024);
	int error = pthread_create(&thread, &attributes, wait_in_vfork, emulation);
	pthread_attr_destroy(&attributes);
	return error;
}

int emulated_afork(int (*function)(void *), void *argument, void (*done)(pid_t))
{
	struct emulation *emulation = malloc(sizeof *emulation);
	if (!emulation)
		return -1;
	*emulation = (struct emulation){.function = function, .argument = argument, .done = done};
	uint64_t mask = emulation->mask = block_all_signals();
	int error = start_thread(emulation); /* from here on the thread may have freed it */
	set_signal_mask(mask);
	if (error) {
		free(emulation);
		errno = error;
		return -1;
	}
	mechanism_ran(AFORK_THREAD);
	return 0;
}
