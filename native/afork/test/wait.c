/* SPDX-License-Identifier: MIT */
/* The exit status, whoever else waits. */
#include "test.h"

static struct afork_job *start_script(const char *script)
{
	struct afork_options options = OPTIONS(.file = "/bin/sh", .argv = VECTOR("sh", "-c", script));
	return start(&options);
}

static void expect_status(struct afork_job *job, bool stolen, int expected)
{
	int status = -1;
	int error = afork_job_wait(job, &status, 0);
	if (stolen && !kernel_keeps_status()) {
		check_equal(error, ECHILD);
	} else {
		check_equal(error, 0);
		check_equal(status, expected);
		status = -1;
		check_equal(afork_job_wait(job, &status, WNOHANG), 0); /* and again */
		check_equal(status, expected);
		check_equal(afork_job_kill(job, 0), ESRCH);
	}
	check_equal(afork_job_mechanism(job), expected_mechanism());
	afork_job_free(job);
}

static void exits_and_deaths(void)
{
	expect_status(start_script("exit 0"), false, 0);
	expect_status(start_script("exit 255"), false, 255 << 8);
	expect_status(start_script("kill -TERM $$"), false, SIGTERM);
}

static void nohang_while_it_lives(void)
{
	struct afork_job *job = start_script("exec sleep 60");
	check_equal(afork_job_wait(job, NULL, WNOHANG), EAGAIN);
	check_equal(afork_job_kill(job, SIGTERM), 0);
	expect_status(job, false, SIGTERM);
}

static void a_thief_steals_nothing(void)
{
	struct afork_job *exits = start_script("exit 7");
	check_equal(waitpid(-1, NULL, 0), afork_job_pid(exits));
	expect_status(exits, true, 7 << 8);
	struct afork_job *dies = start_script("kill -KILL $$");
	check_equal(waitpid(-1, NULL, 0), afork_job_pid(dies));
	expect_status(dies, true, SIGKILL);
}

static void sigchld_may_be_ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	expect_status(start_script("exit 7"), true, 7 << 8);
	struct afork_job *job = start_script("exec sleep 60");
	check_equal(afork_job_wait(job, NULL, WNOHANG), EAGAIN);
	afork_job_kill(job, SIGKILL);
	expect_status(job, true, SIGKILL);
	signal(SIGCHLD, SIG_DFL);
}

/* --- aforkx(FORK_WAITPID) --- */

static int exit_with(void *code)
{
	return (int)(intptr_t)code;
}

static int sleep_for_ever(void *unused)
{
	(void)unused;
	sleep(3600);
	return 0;
}

static void plain_child_is_for_waitpid(void)
{
	int status;
	pid_t pid = afork(exit_with, (void *)5);
	check_equal(afork_last_mechanism(), expected_of_afork());
	check_equal(afork_waitpid(pid, &status, 0), -1);
	check_equal(errno, ECHILD);
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(exit_code(status), 5);
}

static void expect_waitpid(pid_t pid, bool stolen, int expected)
{
	int status = -1;
	pid_t result = afork_waitpid(pid, &status, 0);
	if (stolen && !kernel_keeps_status()) {
		check_equal(result, -1);
		check_equal(errno, ECHILD);
	} else {
		check_equal(result, pid);
		check_equal(status, expected);
	}
	check_equal(afork_waitpid(pid, &status, 0), -1);
	check_equal(errno, ECHILD);
}

static void waitpid_child_survives_thief_and_ignoring(void)
{
	pid_t pid = aforkx(FORK_WAITPID, exit_with, (void *)9);
	check_equal(afork_last_mechanism(), expected_of_afork());
	check_equal(wait(NULL), pid);
	expect_waitpid(pid, true, 9 << 8);
	signal(SIGCHLD, SIG_IGN);
	expect_waitpid(aforkx(FORK_WAITPID, exit_with, (void *)3), true, 3 << 8);
	signal(SIGCHLD, SIG_DFL);
	expect_waitpid(aforkx(FORK_WAITPID, exit_with, (void *)4), false, 4 << 8);
}

static void waitpid_nohang(void)
{
	pid_t pid = aforkx(FORK_WAITPID, sleep_for_ever, NULL);
	check_equal(afork_waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGTERM);
	expect_waitpid(pid, false, SIGTERM);
}

static void nosigchld_is_refused(void)
{
	check_equal(aforkx(FORK_NOSIGCHLD, exit_with, NULL), -1);
	check_equal(errno, ENOTSUP);
	check_equal(aforkx(FORK_NOSIGCHLD | FORK_WAITPID, exit_with, NULL), -1);
	check_equal(errno, ENOTSUP);
	check_equal(aforkx(1 << 9, exit_with, NULL), -1);
	check_equal(errno, EINVAL);
}

int main(void)
{
	run("exits and deaths", exits_and_deaths);
	run("WNOHANG while it lives", nohang_while_it_lives);
	run("a thief steals nothing", a_thief_steals_nothing);
	run("SIGCHLD may be ignored", sigchld_may_be_ignored);
	run("afork: a plain child is for waitpid()", plain_child_is_for_waitpid);
	if (!under_valgrind()) /* it has no pidfd_open() */
		run("FORK_WAITPID survives a thief, and SIG_IGN", waitpid_child_survives_thief_and_ignoring);
	if (expected_of_afork() != AFORK_VFORK) /* whose caller sleeps as long as the function */
		run("FORK_WAITPID with WNOHANG", waitpid_nohang);
	run("FORK_NOSIGCHLD is refused", nosigchld_is_refused);
	check_equal(waitpid(-1, NULL, 0), -1);
	return done() || this_failed;
}
