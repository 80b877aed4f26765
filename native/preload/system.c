/* SPDX-License-Identifier: MIT */
/*
 * system(). It waits for the command anyway, so nothing needs to be known beforehand: if the child fails before it is
 * a shell, nothing has happened yet, and glibc's system() does it all again.
 */
#include "preload.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	pthread_mutex_t lock;
	unsigned waiting; /* threads in system(): the first one ignores the keys, the last one gives them back */
	struct sigaction interrupt, quit;
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

/* All with signals blocked. Gives the signals that the command shall not ignore. */
static uint64_t keys_ignore(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	pthread_mutex_lock(&keys.lock);
	if (keys.waiting++ == 0) {
		sigaction(SIGINT, &ignore, &keys.interrupt);
		sigaction(SIGQUIT, &ignore, &keys.quit);
	}
	uint64_t defaults = (keys.interrupt.sa_handler == SIG_IGN ? 0 : bit(SIGINT)) |
			    (keys.quit.sa_handler == SIG_IGN ? 0 : bit(SIGQUIT));
	pthread_mutex_unlock(&keys.lock);
	return defaults;
}

static void keys_restore(void)
{
	pthread_mutex_lock(&keys.lock);
	if (--keys.waiting == 0) {
		sigaction(SIGINT, &keys.interrupt, NULL);
		sigaction(SIGQUIT, &keys.quit, NULL);
	}
	pthread_mutex_unlock(&keys.lock);
}

static int spawn_shell(struct afork_job **job, const char *command, uint64_t mask, uint64_t defaults)
{
	const char *const plain[] = {"sh", "-c", command, NULL};
	const char *const dashes[] = {"sh", "-c", "--", command, NULL};
	struct afork_options options = {
		.size = sizeof options,
		.flags = AFORK_NO_PIDFD | AFORK_SETMASK,
		.file = "/bin/sh",
		.argv = next()->shell_dashes ? dashes : plain,
		.signal_mask = mask,
		.signals_default = defaults,
	};
	children_sweep();
	return process_spawn(job, &options);
}

static int wait_for(pid_t pid)
{
	int status = -1;
	pid_t waited;
	do
		waited = waitpid(pid, &status, 0);
	while (waited < 0 && errno == EINTR);
	return waited == pid ? status : -1;
}

/* The thread was cancelled while it waited: the command dies too. */
static void abandon(void *argument)
{
	struct afork_job *job = argument;
	int state;
	kill(afork_job_pid(job), SIGKILL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	wait_for(afork_job_pid(job));
	uint64_t mask = block_all_signals();
	keys_restore();
	afork_job_free(job);
	set_signal_mask(mask);
	pthread_setcancelstate(state, NULL);
}

static int wait_for_command(struct afork_job *job)
{
	int status;
	pthread_cleanup_push(abandon, job);
	status = wait_for(afork_job_pid(job)); /* a cancellation point, as system() is */
	pthread_cleanup_pop(0);
	return status;
}

/* False: nothing has been done. */
static bool run_command(const char *command, int *status)
{
	struct afork_job *job;
	uint64_t mask = block_all_signals();
	uint64_t defaults = keys_ignore();
	bool made = spawn_shell(&job, command, mask, defaults) == 0, failed = false;
	if (made) {
		set_signal_mask(mask | bit(SIGCHLD));
		*status = wait_for_command(job);
		block_all_signals();
		failed = afork_job_state(job, NULL) == AFORK_FAILED;
		afork_job_free(job);
	}
	keys_restore();
	set_signal_mask(mask);
	count(made && !failed ? WAY_AFORK : WAY_FAILED);
	return made && !failed;
}

EXPORT int system(const char *command)
{
	int status;
	if (!process_usable()) {
		count(WAY_PROCESS);
		return next()->system(command);
	}
	/* Without a command: is there a shell? */
	if (!run_command(command ? command : "exit 0", &status))
		return next()->system(command);
	return command ? status : status == 0;
}

static void before_fork(void)
{
	pthread_mutex_lock(&keys.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&keys.lock);
}

__attribute__((constructor(FORKS_SYSTEM))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}
