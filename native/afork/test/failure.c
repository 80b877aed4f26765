/* SPDX-License-Identifier: MIT */
/* A child's failure: its errno, its step, and how it makes itself heard. */
#include "test.h"
#include <sys/resource.h>

static void expect(struct afork_options *options, int error, enum afork_step step, int index)
{
	struct afork_failure failure;
	if (!options->file)
		options->file = "/bin/true";
	struct afork_job *job = start(options);
	check_equal(afork_job_wait_exec(job, &failure), AFORK_FAILED);
	check_equal(failure.error, error);
	check(failure.step == step, "(it is «%s»)", afork_step_name(failure.step));
	check_equal(failure.index, index);
	check_equal(afork_job_mechanism(job), options->mechanism ? options->mechanism : expected_mechanism());
	check_equal(exit_code(finish(job)), 127);
}

static void every_step(enum afork_mechanism mechanism)
{
	const struct afork_action actions[] = {{.type = AFORK_CLOSE, .fd = 900},
					       {.type = AFORK_OPEN, .fd = 5, .path = "/nowhere"}};
	const struct afork_rlimit limits[] = {{RLIMIT_CORE, 0, 0}, {RLIMIT_NOFILE, 9, 8}};
	const int map[] = {0, 1, 2, 901};
	struct afork_options cases[] = {
		OPTIONS(.file = "/nowhere"),
		OPTIONS(.file = "/etc/passwd"),
		OPTIONS(.candidates = VECTOR("/etc/passwd", "/nowhere")),
		OPTIONS(.cwd = "/nowhere"),
		OPTIONS(.actions = actions, .action_count = 2),
		OPTIONS(.rlimits = limits, .rlimit_count = 2),
		OPTIONS(.fd_map = map, .fd_map_count = 4),
		OPTIONS(.flags = AFORK_SETPGROUP, .pgroup = 1),
		OPTIONS(.flags = AFORK_FOREGROUND, .terminal = 902),
		OPTIONS(.flags = AFORK_SETSCHED, .sched_policy = 99),
		OPTIONS(.flags = AFORK_SETGROUPS, .group_count = 1 << 17, .groups = calloc(1 << 17, sizeof(gid_t))),
	};
	const struct afork_failure expected[] = {
		{ENOENT, AFORK_STEP_EXEC, 0},  {EACCES, AFORK_STEP_EXEC, 0},	  {EACCES, AFORK_STEP_EXEC, 0},
		{ENOENT, AFORK_STEP_CWD, 0},   {ENOENT, AFORK_STEP_ACTION, 1},	  {EINVAL, AFORK_STEP_RLIMIT, 1},
		{EBADF, AFORK_STEP_FD_MAP, 3}, {EPERM, AFORK_STEP_SETPGROUP, 0},  {EBADF, AFORK_STEP_FOREGROUND, 0},
		{EINVAL, AFORK_STEP_SCHED, 0}, {EINVAL, AFORK_STEP_SETGROUPS, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cases[i].mechanism = mechanism;
		expect(&cases[i], expected[i].error, expected[i].step, expected[i].index);
	}
	free((void *)cases[10].groups);
}

static void by_the_best(void)
{
	every_step(AFORK_ANY);
}

static void by_all_that_can_be_demanded(void)
{
	for (int mechanism = AFORK_CLONE3; mechanism <= AFORK_FORK; mechanism++)
		if (mechanism_possible((enum afork_mechanism)mechanism))
			every_step((enum afork_mechanism)mechanism);
}

static void pidfd_tells_of_it(void)
{
	struct afork_options options = OPTIONS(.file = "/nowhere");
	struct afork_job *job = start(&options);
	struct pollfd poll_one = {.fd = afork_job_pidfd(job), .events = POLLIN};
	check_equal(poll(&poll_one, 1, 10000), 1);
	struct afork_failure failure;
	check_equal(afork_job_state(job, &failure), AFORK_FAILED);
	check_equal(failure.error, ENOENT);
	finish(job);
}

static void doorbell_rings(const char *file, enum afork_state state)
{
	struct afork_options options = OPTIONS(.file = file, .flags = AFORK_DOORBELL, .argv = VECTOR("sleep", "60"));
	struct afork_job *job = start(&options);
	struct pollfd bell = {.fd = afork_job_doorbell(job), .events = POLLIN};
	check_equal(poll(&bell, 1, 10000), 1);
	check_equal(bell.revents, POLLHUP);
	check_equal(afork_job_state(job, NULL), state);
	check_equal(fcntl(bell.fd, F_GETFD), FD_CLOEXEC);
	afork_job_kill(job, SIGKILL);
	finish(job);
}

static void doorbell_rings_at_exec(void)
{
	doorbell_rings("/bin/sleep", AFORK_STARTED);
}

static void doorbell_rings_at_failure(void)
{
	doorbell_rings("/nowhere", AFORK_FAILED);
}

static void errno_is_left_alone(void)
{
	struct afork_options options = OPTIONS(.file = "/nowhere", .flags = 1u << 31);
	struct afork_job *job;
	errno = 12345;
	check_equal(afork_spawn(&job, &options), EINVAL);
	options.flags = 0;
	check_equal(afork_spawn(&job, &options), 0);
	afork_job_wait(job, NULL, 0);
	check_equal(errno, 12345);
	afork_job_free(job);
}

/* --- refused before there is a child --- */

static void refuse(struct afork_options *options, int error)
{
	struct afork_job *job = NULL;
	check_equal(afork_spawn(&job, options), error);
	check(job == NULL);
}

static void nonsense_is_refused(void)
{
	const struct afork_action no_path = {.type = AFORK_OPEN, .fd = 3}, unknown = {.type = 99};
	const int map[] = {-4};
	refuse(&(struct afork_options)OPTIONS(.flags = 0), EINVAL);
	refuse(&(struct afork_options)OPTIONS(.file = "/bin/true", .actions = &no_path, .action_count = 1), EINVAL);
	refuse(&(struct afork_options)OPTIONS(.file = "/bin/true", .actions = &unknown, .action_count = 1), EINVAL);
	refuse(&(struct afork_options)OPTIONS(.file = "/bin/true", .fd_map = map, .fd_map_count = 1), EINVAL);
	refuse(&(struct afork_options)OPTIONS(.file = "/bin/true", .mechanism = AFORK_THREAD), EINVAL);
	refuse(&(struct afork_options){.size = 8, .file = "/bin/true"}, EINVAL);
}

static void newer_and_older_structs(void)
{
	struct {
		struct afork_options options;
		uint64_t later;
	} newer = {.options = {.size = sizeof newer, .file = "/bin/true"}};
	struct afork_job *job;
	check_equal(afork_spawn(&job, &newer.options), 0);
	check_equal(finish(job), 0);
	newer.later = 1;
	refuse(&newer.options, E2BIG);
	struct afork_options older = {.size = offsetof(struct afork_options, cgroup_fd), .file = "/bin/true"};
	check_equal(afork_spawn(&job, &older), 0);
	check_equal(finish(job), 0);
}

static void process_limit_is_reported_at_once(void)
{
	struct rlimit before, low;
	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	low.rlim_cur = 3; /* no number for the pidfd */
	setrlimit(RLIMIT_NOFILE, &low);
	struct afork_options options = OPTIONS(.file = "/bin/true", .flags = AFORK_DOORBELL);
	refuse(&options, EMFILE);
	if (shares_memory()) {
		options.flags = 0;
		refuse(&options, EMFILE);
	}
	setrlimit(RLIMIT_NOFILE, &before);
	check_equal(finish(start(&options)), 0);
}

int main(void)
{
	run("each step, by the best mechanism", by_the_best);
	run("each step, by each mechanism", by_all_that_can_be_demanded);
	run("the pidfd tells of it", pidfd_tells_of_it);
	run("the doorbell rings at exec", doorbell_rings_at_exec);
	run("the doorbell rings at failure", doorbell_rings_at_failure);
	run("errno is left alone", errno_is_left_alone);
	run("nonsense is refused", nonsense_is_refused);
	run("options of older and newer headers", newer_and_older_structs);
	run("no free descriptor: EMFILE, no child", process_limit_is_reported_at_once);
	return done();
}
