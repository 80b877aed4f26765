/* SPDX-License-Identifier: MIT */
/* Kernels, sandboxes and operators that forbid a mechanism: the next one is used, and named. */
#include "test.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

static enum afork_mechanism mechanism_of_a_spawn(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/true");
	struct afork_job *job = start(&options);
	enum afork_mechanism mechanism = afork_job_mechanism(job);
	if (afork_last_mechanism() != mechanism || finish(job) != 0)
		exit(1);
	return mechanism;
}

static int return_7(void *unused)
{
	(void)unused;
	return 7;
}

static enum afork_mechanism mechanism_of_afork(void)
{
	int status;
	pid_t pid = afork(return_7, NULL);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || exit_code(status) != 7)
		exit(1);
	return afork_last_mechanism();
}

/* In a process of its own, which answers with what ran: the spawns' and afork()'s. */
static void expect_in_sandbox(void (*enter)(void), enum afork_mechanism spawns, enum afork_mechanism aforks)
{
	pid_t pid = fork();
	if (pid == 0) {
		enter();
		enum afork_mechanism first = mechanism_of_a_spawn(), second = mechanism_of_a_spawn();
		_exit(first == second ? (int)(first * 10 + mechanism_of_afork()) : 99);
	}
	int status;
	waitpid(pid, &status, 0);
	check_equal(exit_code(status), spawns * 10 + aforks);
}

/* --- seccomp --- */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void enter_sandbox(struct sock_filter *filter, size_t size)
{
	const struct sock_fprog program = {(unsigned short)(size / sizeof *filter), filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		exit(1);
}

static void refuse_clone3_with(int error)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		REFUSE(error),
		ALLOW,
	};
	enter_sandbox(filter, sizeof filter);
}

static void as_old_kernels(void)
{
	refuse_clone3_with(ENOSYS);
}

static void as_old_docker(void)
{
	refuse_clone3_with(EPERM);
}

static void *do_nothing(void *unused)
{
	return unused;
}

static bool can_make_threads_there(void)
{
	int status;
	pthread_t thread;
	pid_t pid = fork();
	if (pid == 0) {
		as_old_docker();
		_exit(pthread_create(&thread, NULL, do_nothing, NULL) ? 1 : 0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* clone() too, when it has CLONE_VM (0x100) without all of `needed`. */
static void refuse_clone_without(uint32_t needed)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x100, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x10000, 1, 0), /* threads may be */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, needed, 0, 1),
		ALLOW,
		REFUSE(EINVAL),
	};
	enter_sandbox(filter, sizeof filter);
}

static void vfork_only(void)
{
	refuse_clone_without(0x4000); /* CLONE_VFORK */
}

static void fork_only(void)
{
	refuse_clone_without(0x80000000); /* which no call has */
}

static void clone3_is_not_known(void)
{
	expect_in_sandbox(as_old_kernels, AFORK_CLONE, AFORK_CLONE);
}

static void clone3_is_not_permitted(void)
{
	/* There glibc from 2.34 on cannot make a thread, so that afork() gets no thread storage to use. */
	expect_in_sandbox(as_old_docker, AFORK_CLONE, can_make_threads_there() ? AFORK_CLONE : AFORK_VFORK);
}

static void memory_may_be_shared_asleep_only(void)
{
	expect_in_sandbox(vfork_only, AFORK_VFORK, AFORK_VFORK);
}

static void memory_may_not_be_shared(void)
{
	expect_in_sandbox(fork_only, AFORK_FORK, AFORK_FORK);
}

/* --- AFORK_MECHANISM --- */

/* Read once: hence by a fresh execution of this program. */
static void operator_rules(void)
{
	for (int mechanism = AFORK_CLONE3; mechanism <= AFORK_FORK; mechanism++) {
		char variable[64];
		snprintf(variable, sizeof variable, "AFORK_MECHANISM=%s",
			 afork_mechanism_name((enum afork_mechanism)mechanism));
		struct afork_options options =
			OPTIONS(.file = "/proc/self/exe", .argv = VECTOR("mechanism"), .envp = VECTOR(variable));
		char expected[32];
		snprintf(expected, sizeof expected, "%d %d\n", mechanism, mechanism);
		check_string(output(&options, NULL), expected);
	}
}

static void demands_are_met_or_refused(void)
{
	for (int mechanism = AFORK_CLONE3; mechanism <= AFORK_FORK; mechanism++) {
		struct afork_options options =
			OPTIONS(.file = "/bin/true", .mechanism = (enum afork_mechanism)mechanism);
		struct afork_job *job = NULL;
		int error = afork_spawn(&job, &options);
		check_equal(error, mechanism_possible((enum afork_mechanism)mechanism) ? 0 : ENOTSUP);
		if (error)
			continue;
		check_equal(afork_job_mechanism(job), mechanism);
		check_equal(finish(job), 0);
	}
}

static void a_demand_that_the_sandbox_refuses(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		as_old_docker();
		struct afork_options options = OPTIONS(.file = "/bin/true", .mechanism = AFORK_CLONE3);
		struct afork_job *job;
		_exit(afork_spawn(&job, &options) == ENOTSUP ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	check_equal(status, 0);
}

int main(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "mechanism")) {
		printf("%d %d\n", mechanism_of_a_spawn(), mechanism_of_afork());
		return 0;
	}
	run("demands are met, or refused", demands_are_met_or_refused);
	if (expected_mechanism() != AFORK_CLONE3 || expected_of_afork() == AFORK_FORK)
		return done(); /* nothing to fall back from */
	run("a demand that the sandbox refuses", a_demand_that_the_sandbox_refuses);
	run("clone3 is not known: clone", clone3_is_not_known);
	run("clone3 is not permitted: clone", clone3_is_not_permitted);
	run("no CLONE_VM without CLONE_VFORK: vfork", memory_may_be_shared_asleep_only);
	run("no CLONE_VM at all: fork", memory_may_not_be_shared);
	run("the operator's AFORK_MECHANISM rules", operator_rules);
	return done();
}
