/* SPDX-License-Identifier: MIT */
/* posix_spawn() and its like: look, then afork, answer, or leave it to glibc. */
#include "preload.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct attempt {
	const struct request *request;
	struct afork_options options;
	struct actions actions;
	struct look look;
};

static enum way look_at_program(struct attempt *attempt)
{
	look_for(&attempt->look, attempt->actions.directory, attempt->request->file, attempt->request->search);
	return attempt->look.verdict.way;
}

/* In the order in which the child would fail, so that the first error is the one that glibc reports. */
static enum way consider(struct attempt *attempt, uint64_t mask)
{
	const struct request *request = attempt->request;
	enum way way = attributes_read(&attempt->options, request->attributes, mask);
	if (way == WAY_AFORK)
		way = arguments_check(request->file, request->argv, request->envp);
	if (way == WAY_AFORK)
		way = actions_check(&attempt->actions, request->actions);
	if (way == WAY_AFORK)
		way = look_at_program(attempt);
	if (way == WAY_ANSWERED && attempt->actions.writes)
		return WAY_ACTION; /* files are written even so, and once */
	if (way == WAY_AFORK || way == WAY_ANSWERED) {
		enum way opened = actions_open(&attempt->actions, request->actions);
		way = opened == WAY_AFORK ? way : opened;
	}
	return way;
}

static void give(struct afork_job *job, const struct request *request)
{
	int pid = afork_job_pid(job);
	if (request->pidfd) {
		*request->pid = job->pidfd;
		job->pidfd = -1; /* the caller's now */
	} else if (request->pid) {
		*request->pid = pid;
	}
}

static bool start(struct attempt *attempt)
{
	static const char *const no_environment[] = {NULL};
	const struct request *request = attempt->request;
	struct afork_options *options = &attempt->options;
	struct afork_job *job;
	options->size = sizeof *options;
	options->flags |= request->pidfd ? 0 : AFORK_NO_PIDFD;
	options->file = attempt->look.path;
	options->argv = (const char *const *)request->argv;
	options->envp = request->envp ? (const char *const *)request->envp : no_environment;
	options->actions = attempt->actions.list;
	options->action_count = attempt->actions.count;
	if (process_spawn(&job, options))
		return false;
	/* As the child does: who returns from posix_spawn() may count on the group. EACCES: it has executed. */
	if (options->flags & AFORK_SETPGROUP)
		raw(SYS_setpgid, afork_job_pid(job), options->pgroup);
	give(job, request);
	children_add(job, &attempt->look.verdict.identity);
	return true;
}

/* With all signals blocked. attempt->look.verdict.way says how it went; then there is an error or 0. */
static int try(struct attempt *attempt, uint64_t mask)
{
	children_sweep();
	enum way way = consider(attempt, mask);
	if (way == WAY_AFORK && !start(attempt))
		way = WAY_FAILED;
	actions_free(&attempt->actions);
	attempt->look.verdict.way = way;
	return way == WAY_ANSWERED ? attempt->look.verdict.error : 0;
}

static int ask_glibc(const struct request *request)
{
	const struct next *real = next();
	spawn_function *function = request->pidfd    ? (request->search ? real->pidfd_spawnp : real->pidfd_spawn)
				   : request->search ? real->posix_spawnp
						     : real->posix_spawn;
	/* A glibc before 2.39 runs, and whoever calls pidfd_spawn() has found ours. */
	if (!function)
		return ENOSYS;
	return function(request->pid, request->file, request->actions, request->attributes, request->argv,
			request->envp);
}

/*
 * Busy: perhaps only because of our own child, which in glibc's posix_spawn() would have closed its copy by now. That
 * passes, unless the child is stopped.
 */
static int ask_glibc_about_fresh(const struct request *request)
{
	const struct timespec pause = {0, 1000000};
	int error = ask_glibc(request);
	for (int times = 0; error == ETXTBSY && times < 1000 && children_may_hold_files(); times++) {
		raw(SYS_nanosleep, &pause, 0);
		error = ask_glibc(request);
	}
	return error;
}

/* What has executed once is known to, whatever we could not see. */
static void learn(const struct look *look)
{
	enum way way = look->verdict.way;
	if (!look->provable || (way != WAY_PROGRAM && way != WAY_POLICY))
		return;
	uint64_t mask = block_all_signals();
	known_prove(&look->verdict.identity);
	set_signal_mask(mask);
}

static void discard(struct attempt *attempt)
{
	uint64_t mask = block_all_signals();
	free(attempt);
	set_signal_mask(mask);
}

static struct attempt *attempt_new(const struct request *request)
{
	struct attempt *attempt = malloc(sizeof *attempt);
	if (!attempt)
		return NULL;
	attempt->request = request;
	attempt->options = (struct afork_options){0};
	attempt->actions = (struct actions){0};
	attempt->look.provable = false;
	return attempt;
}

int spawn_request(const struct request *request)
{
	if (!process_usable()) {
		count(WAY_PROCESS);
		return ask_glibc(request);
	}
	uint64_t mask = block_all_signals();
	struct attempt *attempt = attempt_new(request);
	int error = attempt ? try(attempt, mask) : 0;
	set_signal_mask(mask);
	enum way way = attempt ? attempt->look.verdict.way : WAY_FAILED;
	count(way);
	if (way != WAY_AFORK && way != WAY_ANSWERED) {
		error = way == WAY_FRESH ? ask_glibc_about_fresh(request) : ask_glibc(request);
		if (!error && attempt)
			learn(&attempt->look);
	}
	if (attempt)
		discard(attempt);
	return error;
}

/* --- the functions of <spawn.h> --- */

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	return spawn_request(&(struct request){pid, path, actions, attributes, argv, envp, .search = false});
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	return spawn_request(&(struct request){pid, file, actions, attributes, argv, envp, .search = true});
}

/* Whatever glibc this is built with: it may run with a later one. Headers before 2.39 declare neither. */
spawn_function pidfd_spawn, pidfd_spawnp;

EXPORT int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	return spawn_request(
		&(struct request){pidfd, path, actions, attributes, argv, envp, .search = false, .pidfd = true});
}

EXPORT int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	return spawn_request(
		&(struct request){pidfd, file, actions, attributes, argv, envp, .search = true, .pidfd = true});
}
