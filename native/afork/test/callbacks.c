/* SPDX-License-Identifier: MIT */
/* afork() and emulated_afork(): a function of ours in the child. */
#include "test.h"
#include <pthread.h>

static int execute_true(void *unused)
{
	(void)unused;
	execl("/bin/true", "true", (char *)NULL);
	return 127;
}

static int status_of(pid_t pid)
{
	int status = -1;
	check_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void executes(void)
{
	pid_t pid = afork(execute_true, NULL);
	check(pid > 0);
	check_equal(afork_last_mechanism(), expected_of_afork());
	check_equal(status_of(pid), 0);
}

static int return_value(void *value)
{
	return *(int *)value;
}

static void return_value_is_the_exit_code(void)
{
	int value = 42;
	check_equal(exit_code(status_of(afork(return_value, &value))), 42);
}

static int write_into_memory(void *word)
{
	*(int *)word = 7;
	return 0;
}

static void memory_is_the_callers(void)
{
	int word = 0;
	check_equal(status_of(afork(write_into_memory, &word)), 0);
	check_equal(word, expected_of_afork() == AFORK_FORK ? 0 : 7);
}

static int change_process(void *unused)
{
	(void)unused;
	return chdir("/") || close(2) || dup2(1, 77) < 0;
}

static void directory_and_descriptors_are_the_childs(void)
{
	char before[4096], after[4096];
	check(getcwd(before, sizeof before) != NULL);
	check_equal(status_of(afork(change_process, NULL)), 0);
	check(getcwd(after, sizeof after) != NULL);
	check_string(after, before);
	check(fcntl(2, F_GETFD) >= 0);
	check(fcntl(77, F_GETFD) < 0);
}

static volatile sig_atomic_t handled;

static void count(int number)
{
	(void)number;
	handled++;
}

static int raise_usr1(void *unused)
{
	(void)unused;
	raw(SYS_kill, raw(SYS_getpid), SIGUSR1);
	return 0;
}

static void handlers_are_gone_and_the_mask_is_the_callers(void)
{
	signal(SIGUSR1, count);
	check_equal(status_of(afork(raise_usr1, NULL)), SIGUSR1);
	check_equal(handled, 0);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	check_equal(status_of(afork(raise_usr1, NULL)), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	check_equal(handled, 0);
	signal(SIGUSR1, SIG_DFL);
}

/* --- thread storage --- */

static int gate[2];

static int wait_at_gate(void *unused)
{
	char byte;
	(void)unused;
	return read(gate[0], &byte, 1) == 1 ? 0 : 1;
}

/* Children that overlap have a donor each; afterwards at most eight stay. */
static void donors_are_lent_and_kept(void)
{
	enum {
		COUNT = 20
	};
	pid_t pids[COUNT];
	unsigned idle, lent;
	check_equal(pipe2(gate, O_CLOEXEC), 0);
	for (int i = 0; i < COUNT; i++)
		pids[i] = afork(wait_at_gate, NULL);
	donors_count(&idle, &lent);
	check_equal(lent, COUNT);
	check_equal(write(gate[1], "xxxxxxxxxxxxxxxxxxxx", COUNT), COUNT);
	for (int i = 0; i < COUNT; i++)
		check_equal(status_of(pids[i]), 0);
	for (int i = 0; i < COUNT; i++)
		slots_reclaim();
	donors_count(&idle, &lent);
	check_equal(lent, 0);
	check_equal(idle, 8);
	close(gate[0]);
	close(gate[1]);
}

static void forked_copy_has_donors_of_its_own(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(status_of(afork(execute_true, NULL)) == 0 && afork_last_mechanism() == expected_of_afork() ? 0
														 : 1);
	check_equal(status_of(pid), 0);
}

/* libc makes every thread follow: one that would not hear of it would hang this for ever. */
static void setuid_reaches_parked_threads(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		status_of(afork(execute_true, NULL));
		_exit(setuid(geteuid()) ? 1 : 0);
	}
	check_equal(status_of(pid), 0);
}

/* --- emulated_afork() --- */

static pid_t heard_pid;
static int heard;

static void hear(pid_t pid)
{
	heard_pid = pid;
	__atomic_store_n(&heard, 1, __ATOMIC_RELEASE);
}

static void emulation_calls_back(void)
{
	check_equal(emulated_afork(execute_true, NULL, hear), 0);
	check_equal(afork_last_mechanism(), AFORK_THREAD);
	while (!__atomic_load_n(&heard, __ATOMIC_ACQUIRE))
		sched_yield();
	check_equal(status_of(heard_pid), 0);
}

static void emulation_without_callback(void)
{
	int status = -1;
	check_equal(emulated_afork(execute_true, NULL, NULL), 0);
	while (waitpid(-1, &status, 0) < 0) /* no child yet */
		sched_yield();
	check_equal(status, 0);
}

int main(void)
{
	run("executes", executes);
	run("the return value is the exit code", return_value_is_the_exit_code);
	run("memory is the caller's", memory_is_the_callers);
	run("directory and descriptors are the child's", directory_and_descriptors_are_the_childs);
	run("handlers are gone, the mask is the caller's", handlers_are_gone_and_the_mask_is_the_callers);
	if (expected_of_afork() < AFORK_VFORK) {
		run("donors are lent and kept", donors_are_lent_and_kept);
		run("setuid() reaches parked threads", setuid_reaches_parked_threads);
	}
	run("a forked copy has donors of its own", forked_copy_has_donors_of_its_own);
	run("emulated_afork() calls back", emulation_calls_back);
	run("emulated_afork() without a callback", emulation_without_callback);
	return done();
}
