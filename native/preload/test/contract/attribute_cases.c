/* SPDX-License-Identifier: MIT */
/* Attributes. */
#include "contract.h"
#include <sched.h>

static posix_spawnattr_t attributes;

static void begin(short flags)
{
	posix_spawnattr_init(&attributes);
	say(" %d", posix_spawnattr_setflags(&attributes, flags));
}

static void spawn(void)
{
	say_show(NULL, &attributes);
	say_shell("exit 3", NULL, &attributes);
	say_signals();
}

static void handler(int number)
{
	(void)number;
}

static sigset_t set_of(int one, int two)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, one);
	sigaddset(&set, two);
	return set;
}

/* Blocked, ignored and handled signals of the caller. */
static void upset_signals(void)
{
	sigset_t blocked = set_of(SIGUSR1, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, handler);
	signal(SIGRTMIN + 5, SIG_IGN);
}

static void nothing(void)
{
	begin(0);
	spawn();
}

static void signals_inherited(void)
{
	upset_signals();
	begin(0);
	spawn();
}

static void signal_mask(void)
{
	sigset_t set = set_of(SIGINT, SIGRTMAX);
	upset_signals();
	begin(POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &set);
	spawn();
	sigfillset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	spawn();
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attributes, &set);
	spawn();
	memset(&set, 0xff, sizeof set); /* libc's own signals too */
	posix_spawnattr_setsigmask(&attributes, &set);
	spawn();
}

static void signal_defaults(void)
{
	sigset_t set = set_of(SIGUSR2, SIGRTMIN + 5);
	upset_signals();
	begin(POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &set);
	spawn();
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attributes, &set);
	spawn();
}

/* Sent at once: a signal that the child blocks waits, another one does what the new program says. */
static void signal_at_once(void)
{
	const char *const argv[] = {"sleep", "50", NULL};
	pid_t pid;
	int status;
	signal(SIGTERM, handler);
	begin(0);
	say(" %d", posix_spawn(&pid, "/bin/sleep", NULL, &attributes, (char *const *)argv, environ));
	say(" %d", kill(pid, SIGTERM));
	waitpid(pid, &status, 0);
	say_status(status);
}

static void own_group(void)
{
	begin(POSIX_SPAWN_SETPGROUP);
	spawn();
}

/* With this, the child does not run before the caller waits for something; but only root may. */
static void run_before_child(void)
{
	const struct sched_param parameters = {.sched_priority = 1};
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
	sched_setscheduler(0, SCHED_FIFO, &parameters);
}

/* The group is there when posix_spawn() returns. */
static void own_group_at_once(void)
{
	const char *const argv[] = {"sleep", "50", NULL};
	run_before_child();
	begin(POSIX_SPAWN_SETPGROUP);
	for (int i = 0; i < 20; i++) {
		pid_t pid;
		int status;
		posix_spawn(&pid, "/bin/sleep", NULL, &attributes, (char *const *)argv, environ);
		say(" %d %d", getpgid(pid) == pid, kill(-pid, SIGKILL));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}

static void callers_group(void)
{
	begin(POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, getpgrp());
	spawn();
}

/* As shells make pipelines: the second joins the group of the first. */
static void group_of_another(void)
{
	const char *const argv[] = {"sleep", "50", NULL};
	pid_t pid;
	int status;
	begin(POSIX_SPAWN_SETPGROUP);
	posix_spawn(&pid, "/bin/sleep", NULL, &attributes, (char *const *)argv, environ);
	posix_spawnattr_setpgroup(&attributes, pid);
	spawn();
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void group_of_nobody(void)
{
	begin(POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 1);
	spawn();
	posix_spawnattr_setpgroup(&attributes, -3);
	spawn();
}

static void session(void)
{
	begin(POSIX_SPAWN_SETSID);
	spawn();
	begin(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETPGROUP);
	spawn();
}

static void reset_ids(void)
{
	begin(POSIX_SPAWN_RESETIDS);
	spawn();
	if (seteuid(65534) == 0)
		spawn();
}

static void scheduling(void)
{
	struct sched_param parameters = {0};
	begin(POSIX_SPAWN_SETSCHEDULER);
	posix_spawnattr_setschedpolicy(&attributes, SCHED_BATCH);
	posix_spawnattr_setschedparam(&attributes, &parameters);
	spawn();
	begin(POSIX_SPAWN_SETSCHEDPARAM);
	parameters.sched_priority = 7;
	posix_spawnattr_setschedparam(&attributes, &parameters);
	spawn();
}

static void all_at_once(void)
{
	sigset_t set = set_of(SIGUSR2, SIGHUP), mask = set_of(SIGCHLD, SIGWINCH);
	upset_signals();
	begin(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_RESETIDS |
	      POSIX_SPAWN_USEVFORK);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setsigmask(&attributes, &mask);
	spawn();
}

const struct test_case attribute_cases[] = {
	{"no attributes", nothing, "afork fresh", "afork:2"},
	{"signals inherited", signals_inherited, "afork fresh", "afork:2"},
	{"signal mask", signal_mask, "afork:4 fresh:4", "afork:8"},
	{"signal defaults", signal_defaults, "afork:2 fresh:2", "afork:4"},
	{"signal at once", signal_at_once, "afork", NULL},
	{"group of its own", own_group, "afork fresh", "afork:2"},
	{"group of its own, at once", own_group_at_once, "afork:20", NULL},
	{"group of the caller", callers_group, "afork fresh", "afork:2"},
	{"group of another", group_of_another, "afork attribute:2", NULL},
	{"group of nobody", group_of_nobody, "attribute:4", NULL},
	{"session", session, "attribute:4", NULL},
	{"ids reset", reset_ids, NULL, NULL},
	{"scheduling", scheduling, "attribute:4", NULL},
	{"all attributes at once", all_at_once, "afork fresh", "afork:2"},
	{NULL, NULL, NULL, NULL},
};
