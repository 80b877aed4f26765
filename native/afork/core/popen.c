/* SPDX-License-Identifier: MIT */
/* popen() by afork_spawn(). */
#define _GNU_SOURCE
#include "registry.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char stream; /* owner of our registry entries */

/* 'r', 'w' or 0. An 'e' is allowed, and changes nothing: our end is always close-on-exec. */
static char direction(const char *type)
{
	if ((type[0] != 'r' && type[0] != 'w') || (type[1] && strcmp(type + 1, "e")))
		return 0;
	return type[0];
}

static FILE *keep(struct afork_job *job, int fd, char way)
{
	FILE *file = fdopen(fd, way == 'r' ? "re" : "we");
	int error = file ? registry_add(&stream, (uintptr_t)file, job) : errno;
	if (!error)
		return file;
	afork_job_kill(job, SIGKILL);
	afork_job_wait(job, NULL, 0);
	afork_job_free(job);
	if (file)
		fclose(file);
	else
		close(fd);
	errno = error;
	return NULL;
}

static FILE *open_process(const char *file, const char *const *argv, const char *type)
{
	char way = direction(type);
	int ends[2];
	errno = way ? errno : EINVAL;
	if (!way || pipe2(ends, O_CLOEXEC))
		return NULL;
	int ours = way == 'r' ? ends[0] : ends[1], theirs = way == 'r' ? ends[1] : ends[0];
	const struct afork_action action = {.type = AFORK_DUP2, .from = theirs, .fd = way == 'r' ? 1 : 0};
	const struct afork_options options = {
		.size = sizeof options,
		.flags = AFORK_SEARCH_PATH | AFORK_SHELL_FALLBACK,
		.file = file,
		.argv = argv,
		.actions = &action,
		.action_count = 1,
	};
	struct afork_job *job;
	int error = afork_spawn(&job, &options);
	close(theirs);
	if (!error)
		return keep(job, ours, way);
	close(ours);
	errno = error;
	return NULL;
}

FILE *afork_popen(const char *command, const char *type)
{
	const char *const argv[] = {"sh", "-c", "--", command, NULL};
	return open_process("/bin/sh", argv, type);
}

FILE *afork_popenv(const char *file, const char *const argv[], const char *type)
{
	return open_process(file, argv, type);
}

int afork_pclose(FILE *file)
{
	struct afork_job *job = registry_take(&stream, (uintptr_t)file);
	if (!job) {
		errno = EINVAL;
		return -1;
	}
	fclose(file); /* what the program did not read is its loss, as in pclose() */
	int status = -1, error;
	do
		error = afork_job_wait(job, &status, 0);
	while (error == EINTR);
	struct afork_failure failure;
	if (!error && afork_job_state(job, &failure) == AFORK_FAILED)
		error = failure.error;
	afork_job_free(job);
	if (error)
		errno = error;
	return error ? -1 : status;
}
