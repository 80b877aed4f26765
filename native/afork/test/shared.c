/* SPDX-License-Identifier: MIT */
/* The shared library, by nothing but its header: all that is promised is exported, and it stays loaded. */
#define _GNU_SOURCE
#include <afork.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed, count;

static void check(const char *name, int so)
{
	printf("%s %d - %s\n", so ? "ok" : "not ok", ++count, name);
	failed |= !so;
}

static int exits(const struct afork_options *options)
{
	struct afork_job *job;
	int status = -1;
	if (afork_spawn(&job, options) || afork_job_wait(job, &status, 0))
		return -1;
	if (afork_last_mechanism() != afork_job_mechanism(job))
		return -1;
	afork_job_free(job);
	return status >> 8;
}

static int exit_7(void *unused)
{
	(void)unused;
	return 7;
}

static int function_exits(void)
{
	int status = -1;
	pid_t pid = aforkx(FORK_WAITPID, exit_7, NULL);
	return afork_waitpid(pid, &status, 0) == pid ? status >> 8 : -1;
}

static int wait_for(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid && status >> 8 == 7;
}

static int ends[2];

static void hear(pid_t pid)
{
	if (write(ends[1], &pid, sizeof pid) < 0)
		_exit(1);
}

static pid_t heard_pid(void)
{
	pid_t pid = -1;
	return read(ends[0], &pid, sizeof pid) == sizeof pid && waitpid(pid, NULL, 0) == pid ? pid : -1;
}

static int popen_reads(void)
{
	char line[16] = "";
	FILE *file = afork_popen("echo line", "r");
	return file && fgets(line, sizeof line, file) && !strcmp(line, "line\n") && afork_pclose(file) == 0;
}

/* A child may still run in it. A copy, for this program keeps the library itself. */
static int stays_loaded(const char *library)
{
	char copy[] = "/tmp/afork-test-XXXXXX";
	close(mkstemp(copy));
	const struct afork_options cp = {
		.size = sizeof cp, .file = "/bin/cp", .argv = (const char *const[]){"cp", library, copy, NULL}};
	void *handle = exits(&cp) == 0 ? dlopen(copy, RTLD_NOW) : NULL;
	int stays =
		handle && dlsym(handle, "afork_spawn") && dlclose(handle) == 0 && dlopen(copy, RTLD_NOW | RTLD_NOLOAD);
	unlink(copy);
	return stays;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (pipe(ends))
		return 1;
	char path[4096];
	snprintf(path, sizeof path, "%.*s../libafork.so", (int)(strrchr(argv[0], '/') + 1 - argv[0]), argv[0]);
	const struct afork_options missing = {.size = sizeof missing, .file = "/nowhere"};
	const struct afork_options shell = {
		.size = sizeof shell, .file = "/bin/sh", .argv = (const char *const[]){"sh", "-c", "exit 3", NULL}};
	check("a program", exits(&shell) == 3);
	check("a missing program", exits(&missing) == 127);
	check("a function", function_exits() == 7);
	check("a stream", popen_reads());
	check("a worker",
	      avfork_configure(0, 1, 10) == 0 && wait_for(avfork(exit_7, NULL)) && (avfork_stop(), !avfork_workers()));
	check("names", !strcmp(afork_step_name(AFORK_STEP_EXEC), "exec") &&
			       !strcmp(afork_mechanism_name(AFORK_CLONE3), "clone3"));
	check("a thread", emulated_afork(exit_7, NULL, hear) == 0 && heard_pid() > 0);
	check("stays loaded", stays_loaded(path));
	return failed;
}
