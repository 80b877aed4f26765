/* SPDX-License-Identifier: MIT */
/* The process around: its other threads, copies, handlers and descriptors. */
#include "contract.h"

static void shell(void)
{
	say_shell("exit 3", NULL, NULL);
}

static void all_descriptors_closed(void)
{
	shell();
	for (int fd = 3; fd < 1024; fd++)
		if (fd != 200)
			close(fd);
	shell();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int other = 3; other < 100; other++)
		if (other != fd)
			dup3(fd, other, O_CLOEXEC);
	shell();
}

/* Whoever counts on the lowest free number gets it. */
static void lowest_number(void)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	pid_t pid;
	close(0);
	posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ);
	say("%d", open("/dev/null", O_RDONLY));
	waitpid(pid, NULL, 0);
}

static void in_a_copy(pid_t (*copy)(void))
{
	pid_t pid = copy();
	if (pid == 0) {
		shell();
		say(" system %d", system("exit 4") >> 8);
		FILE *file = popen("exit 5", "r");
		say(" popen %d", pclose(file) >> 8);
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	say_status(status);
	shell();
}

static void after_fork(void)
{
	shell();
	in_a_copy(fork);
}

/* fork() without its handlers. */
static pid_t bare_fork(void)
{
	return _Fork();
}

static void after_bare_fork(void)
{
	shell();
	in_a_copy(bare_fork);
}

static void after_vfork(void)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	int status;
	pid_t pid = vfork();
	if (pid == 0) {
		pid_t child;
		int inner = -1;
		if (posix_spawn(&child, "/bin/sh", NULL, NULL, (char *const *)argv, environ) == 0)
			waitpid(child, &inner, 0);
		_exit(WEXITSTATUS(inner) + 1);
	}
	waitpid(pid, &status, 0);
	say_status(status);
	shell();
}

static volatile sig_atomic_t result;

static void spawn_in_handler(int number)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	pid_t pid;
	int kept = errno, status = -1;
	(void)number;
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ) == 0)
		waitpid(pid, &status, 0);
	result = result + status;
	errno = kept;
}

/* In whatever it interrupts, malloc() too. */
static void in_a_handler(void)
{
	signal(SIGALRM, spawn_in_handler);
	for (int i = 0; i < 20; i++) {
		int before = result; /* read first: on a slow machine the alarm comes before ualarm() returns */
		ualarm(200, 0);
		while (result == before)
			free(malloc(100000));
	}
	signal(SIGALRM, SIG_DFL);
	say("%d", (int)result);
}

static void *spawn_often(void *wrong)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL}, *const missing[] = {"x", NULL};
	for (int i = 0; i < 30; i++) {
		pid_t pid;
		int status = -1;
		if (posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ) ||
		    waitpid(pid, &status, 0) != pid || status != 3 << 8)
			*(int *)wrong = 1;
		if (posix_spawnp(&pid, "missing-program", NULL, NULL, (char *const *)missing, environ) != ENOENT)
			*(int *)wrong = 2;
	}
	return NULL;
}

static void *fork_often(void *wrong)
{
	for (int i = 0; i < 30; i++) {
		int status = -1, inner = 0;
		pid_t pid = fork();
		if (pid == 0) {
			alarm(30);
			spawn_often(&inner);
			_exit(inner);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			*(int *)wrong = 3;
		i += 9;
	}
	return NULL;
}

static void from_threads(void)
{
	pthread_t threads[5];
	int wrong[5] = {0};
	for (int i = 0; i < 5; i++)
		pthread_create(&threads[i], NULL, i ? spawn_often : fork_often, &wrong[i]);
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	say("wrong %d %d %d %d %d", wrong[0], wrong[1], wrong[2], wrong[3], wrong[4]);
	say_descriptors();
}

static void many_at_once(void)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	int sum = 0, status;
	for (int i = 0; i < 100; i++) {
		pid_t pid;
		sum += posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ);
	}
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	say("%d", sum);
	say_descriptors();
}

/* The caller's memory may be used again, its environment changed, as soon as posix_spawn() returns. */
static void memory_reused(void)
{
	char *file = strdup("/bin/sh"), *script = strdup("echo $X; exit 3"), *value = strdup("X=before");
	char *argv[] = {strdup("sh"), strdup("-c"), script, NULL}, *envp[] = {value, NULL};
	int ends[2];
	posix_spawn_file_actions_t actions;
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC))
		return;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	say("%d", posix_spawn(&pid, file, &actions, NULL, argv, envp));
	posix_spawn_file_actions_destroy(&actions);
	memset(file, 'x', strlen(file));
	memset(script, 'x', strlen(script));
	memset(value, 'x', strlen(value));
	argv[0] = argv[1] = argv[2] = envp[0] = NULL;
	close(ends[1]);
	char text[64] = "";
	say(" %zd «%s»", read(ends[0], text, sizeof text - 1), text);
	int status;
	waitpid(pid, &status, 0);
	say_status(status);
}

static void limits_around_the_call(void)
{
	struct rlimit before, low = {100, 100};
	getrlimit(RLIMIT_NOFILE, &before);
	const char *const argv[] = {"sh", "-c", "test $(ulimit -n) = 100 && test $(umask) = 0077 && test $PWD = /",
				    NULL};
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	pid_t pid;
	low.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &low);
	mode_t mask = umask(077);
	if (chdir("/"))
		return;
	setenv("PWD", "/", 1);
	say("%d", posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ));
	setrlimit(RLIMIT_NOFILE, &before);
	umask(mask);
	if (fchdir(here))
		return;
	waitpid(pid, &status, 0);
	say_status(status);
}

static void errno_is_kept(void)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	pid_t pid;
	errno = 42;
	posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *)argv, environ);
	say("%d", errno);
	waitpid(pid, NULL, 0);
}

const struct test_case process_cases[] = {
	{"all descriptors closed", all_descriptors_closed, "afork:3", NULL},
	{"lowest number", lowest_number, "afork", NULL},
	{"after fork", after_fork, "afork:5", NULL},
	{"after a fork without handlers", after_bare_fork, "afork:2 process:3", NULL},
	{"after vfork", after_vfork, "afork process", NULL},
	{"in a handler", in_a_handler, "afork:20", NULL},
	{"from threads", from_threads, NULL, NULL},
	{"many at once", many_at_once, "afork:100", NULL},
	{"memory reused", memory_reused, "afork", NULL},
	{"limits around the call", limits_around_the_call, "afork", NULL},
	{"errno is kept", errno_is_kept, "afork", NULL},
	{NULL, NULL, NULL, NULL},
};
