/* SPDX-License-Identifier: MIT */
/* A child that sets errno, and thread variables, while its parent watches its own: 3,000 times. */
#include "test.h"

enum {
	OVERLAPS = 3000,
	MARK = 4242
};

static __thread int thread_variable;
static int running, stop;

static int trample(void *unused)
{
	(void)unused;
	__atomic_store_n(&running, 1, __ATOMIC_RELEASE);
	do {
		for (int i = 0; i < 50; i++)
			close(-1);
		thread_variable++;
		sched_yield();
	} while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE));
	return errno == EBADF && thread_variable > 0 ? 0 : 1;
}

static void errno_and_thread_variables_are_the_callers(void)
{
	int others_errno = 0, others_variable = 0, other_mechanism = 0, failed = 0;
	for (int i = 0; i < OVERLAPS; i++) {
		int status = -1;
		running = stop = 0;
		errno = thread_variable = MARK;
		pid_t pid = afork(trample, NULL);
		while (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
			sched_yield();
		for (int look = 0; look < 200; look++) {
			others_errno += *(volatile int *)&errno != MARK;
			others_variable += *(volatile int *)&thread_variable != MARK;
		}
		__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
		other_mechanism += afork_last_mechanism() != expected_mechanism();
		others_errno += errno != MARK;
		failed += waitpid(pid, &status, 0) != pid || status != 0;
	}
	check_equal(others_errno, 0);
	check_equal(others_variable, 0);
	check_equal(other_mechanism, 0);
	check_equal(failed, 0);
}

static void errno_stays_over_spawns_that_fail(void)
{
	struct afork_options options = OPTIONS(.candidates = VECTOR("/nowhere", "/etc/passwd/x", "/etc"), .cwd = "/");
	int others = 0, other_mechanism = 0;
	errno = MARK;
	for (int i = 0; i < OVERLAPS; i++) {
		struct afork_job *job = start(&options);
		while (afork_job_state(job, NULL) == AFORK_STARTING)
			sched_yield(), others += *(volatile int *)&errno != MARK;
		afork_job_wait(job, NULL, 0);
		other_mechanism += afork_job_mechanism(job) != expected_mechanism();
		afork_job_free(job);
		others += errno != MARK;
	}
	check_equal(others, 0);
	check_equal(other_mechanism, 0);
}

int main(void)
{
	if (expected_of_afork() < AFORK_VFORK)
		run("errno and thread variables are the caller's", errno_and_thread_variables_are_the_callers);
	else
		skip("errno and thread variables are the caller's", "memory is not shared here");
	run("errno stays over 3,000 spawns that fail", errno_stays_over_spawns_that_fail);
	return done();
}
