/* SPDX-License-Identifier: MIT */
/* Signals: no handler of the parent ever runs in the child; masks and ignored ones are as promised. */
#include "test.h"
#include <pthread.h>

static pid_t parent;
static int handled_here, handled_in_child;

static void count(int number)
{
	(void)number;
	int *counter = (pid_t)raw(SYS_getpid) == parent ? &handled_here : &handled_in_child;
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
	sigaction(number, &action, NULL);
}

/* The line of /proc/PID/status, as a number. */
static uint64_t status_field(pid_t pid, const char *name)
{
	char path[64], line[256];
	uint64_t value = 0;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (!strncmp(line, name, strlen(name)))
			value = strtoull(line + strlen(name) + 1, NULL, 16);
	if (file)
		fclose(file);
	return value;
}

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

static uint64_t field_of_child(const struct afork_options *more, const char *name)
{
	struct afork_options options = *more;
	options.size = sizeof options;
	options.file = "/bin/cat";
	options.argv = VECTOR("cat", "/proc/self/status");
	char *line = strstr(output(&options, NULL), name);
	return line ? strtoull(line + strlen(name) + 1, NULL, 16) : 0;
}

static void sleep_a_little(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	nanosleep(&pause, NULL);
}

static void all_are_blocked_while_in_memory(void)
{
	struct afork_job *job = start_stuck("/bin/true", 0);
	while (status_field(afork_job_pid(job), "SigCgt")) /* without clone3 it resets them itself, at once */
		sleep_a_little();
	/* All but SIGKILL and SIGSTOP: 32 and 33 too, which libc would have let in. */
	check_equal(status_field(afork_job_pid(job), "SigBlk"), ~(bit(SIGKILL) | bit(SIGSTOP)));
	let_go();
	check_equal(finish(job), 0);
}

static void a_signal_waits_for_the_default_action(void)
{
	handled_here = 0;
	struct afork_job *job = start_stuck("/bin/true", 0);
	check_equal(afork_job_kill(job, SIGUSR1), 0);
	let_go();
	int status = finish(job);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
	check_equal(handled_here, 0);
	check_equal(handled_in_child, 0);
}

static bool storming;

static void *storm(void *unused)
{
	(void)unused;
	while (__atomic_load_n(&storming, __ATOMIC_ACQUIRE))
		kill(0, SIGUSR1);
	return NULL;
}

/* The whole process group is signalled all the time. */
static void no_handler_runs_in_a_child(void)
{
	pthread_t thread;
	struct afork_options options = OPTIONS(.file = "/bin/true");
	handled_here = 0;
	__atomic_store_n(&storming, true, __ATOMIC_RELEASE);
	pthread_create(&thread, NULL, storm, NULL);
	for (int i = 0; i < (under_valgrind() ? 20 : 200) || !__atomic_load_n(&handled_here, __ATOMIC_RELAXED); i++) {
		int status = finish(start(&options));
		check(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1));
	}
	__atomic_store_n(&storming, false, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	check_equal(handled_in_child, 0);
}

static void mask_is_the_callers(void)
{
	const uint64_t mask = bit(SIGUSR2) | bit(40);
	uint64_t before = block_all_signals(), after = 0;
	set_signal_mask(mask);
	check_equal(field_of_child(&(struct afork_options){.flags = 0}, "SigBlk"), mask);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, &before, &after, 8);
	check_equal(after, mask);
}

static void mask_is_the_given_one(void)
{
	const struct afork_options options = {.flags = AFORK_SETMASK, .signal_mask = bit(SIGHUP) | bit(64)};
	check_equal(field_of_child(&options, "SigBlk"), options.signal_mask);
}

static void ignored_ones_stay_ignored_unless_told(void)
{
	handle(SIGPIPE, SIG_IGN);
	handle(SIGHUP, SIG_IGN);
	const struct afork_options keep = {.flags = 0}, reset = {.signals_default = bit(SIGPIPE) | bit(SIGKILL)};
	check_equal(field_of_child(&keep, "SigIgn") & (bit(SIGPIPE) | bit(SIGHUP)), bit(SIGPIPE) | bit(SIGHUP));
	check_equal(field_of_child(&reset, "SigIgn") & (bit(SIGPIPE) | bit(SIGHUP)), bit(SIGHUP));
	handle(SIGPIPE, SIG_DFL);
	handle(SIGHUP, SIG_DFL);
}

int main(void)
{
	parent = getpid();
	setpgid(0, 0);
	make_fifo();
	handle(SIGUSR1, count);
	handle(SIGTERM, count);
	if (shares_memory()) {
		run("all are blocked while the child is in our memory", all_are_blocked_while_in_memory);
		run("a signal waits for its default action", a_signal_waits_for_the_default_action);
	}
	run("no handler runs in a child", no_handler_runs_in_a_child);
	run("the mask is the caller's", mask_is_the_callers);
	run("the mask is the given one", mask_is_the_given_one);
	run("ignored ones stay ignored unless told", ignored_ones_stay_ignored_unless_told);
	check_equal(afork_last_mechanism(), expected_mechanism());
	unlink(fifo_path);
	return done() || this_failed;
}
