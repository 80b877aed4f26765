/* SPDX-License-Identifier: MIT */
/* Session, group, terminal, limits, scheduling, cgroup, and identity, which must not cost the parent its own. */
#include "test.h"
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static struct afork_options shell(const char *script)
{
	static const char *argv[] = {"sh", "-c", NULL, NULL};
	argv[2] = script;
	return (struct afork_options)OPTIONS(.file = "/bin/sh", .argv = argv);
}

/* /proc/$$/stat: pid (comm) state ppid pgrp session tty tpgid */
static void read_stat(struct afork_options *options, int *pid, int *group, int *session, int *foreground)
{
	*options = (struct afork_options)OPTIONS(.file = "/bin/cat", .argv = VECTOR("cat", "/proc/self/stat"),
						 .flags = options->flags, .pgroup = options->pgroup,
						 .terminal = options->terminal, .actions = options->actions,
						 .action_count = options->action_count);
	char *text = output(options, NULL);
	check_equal(sscanf(text, "%d (cat) %*c %*d %d %d %*d %d", pid, group, session, foreground), 4);
}

static void session_is_new(void)
{
	int pid, group, session, foreground;
	struct afork_options options = {.flags = AFORK_SETSID};
	read_stat(&options, &pid, &group, &session, &foreground);
	check_equal(group, pid);
	check_equal(session, pid);
	check_equal(afork_last_mechanism(), expected_mechanism());
}

static void group_is_new_or_given(void)
{
	int pid, group, session, foreground;
	struct afork_options options = {.flags = AFORK_SETPGROUP};
	read_stat(&options, &pid, &group, &session, &foreground);
	check_equal(group, pid);
	check_equal(session, getsid(0));
	options.pgroup = getpgid(0);
	read_stat(&options, &pid, &group, &session, &foreground);
	check_equal(group, getpgid(0));
}

static void terminal_becomes_the_controlling_one(void)
{
	int pid, group, session, foreground;
	int control = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	check(control >= 0 && grantpt(control) == 0 && unlockpt(control) == 0);
	const struct afork_action actions[] = {
		{.type = AFORK_OPEN, .fd = 5, .path = ptsname(control), .flags = O_RDWR | O_NOCTTY},
		{.type = AFORK_SETCTTY, .fd = 5},
		{.type = AFORK_TCSETPGRP, .fd = 5},
	};
	struct afork_options options = {.flags = AFORK_SETSID, .actions = actions, .action_count = 3};
	read_stat(&options, &pid, &group, &session, &foreground);
	check_equal(foreground, pid);
	close(control);
}

static void limits_are_set(void)
{
	const struct afork_rlimit limits[] = {{RLIMIT_NOFILE, 77, 88}, {RLIMIT_CORE, 0, 0}};
	struct afork_options options = shell("ulimit -Sn; ulimit -Hn; ulimit -c");
	options.rlimits = limits;
	options.rlimit_count = 2;
	check_string(output(&options, NULL), "77\n88\n0\n");
	struct rlimit own;
	getrlimit(RLIMIT_NOFILE, &own);
	check(own.rlim_cur != 77);
}

static void scheduler_is_set(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/cat", .argv = VECTOR("cat", "/proc/self/sched"),
					       .flags = AFORK_SETSCHED, .sched_policy = SCHED_BATCH);
	char *policy = strstr(output(&options, NULL), "policy");
	check(policy && strstr(policy, ":") && atoi(strstr(policy, ":") + 1) == SCHED_BATCH);
	check_equal(raw(SYS_sched_getscheduler, 0), SCHED_OTHER); /* musl has none */
}

static const char *cgroup2_mount(void)
{
	static char path[256];
	char line[1024];
	FILE *mounts = fopen("/proc/self/mounts", "re");
	bool found = false;
	while (!found && fgets(line, sizeof line, mounts))
		found = sscanf(line, "%*s %255s cgroup2", path) == 1 && strstr(line, " cgroup2 ");
	fclose(mounts);
	return found && access(path, W_OK) == 0 ? path : NULL;
}

static void is_born_in_the_cgroup(void)
{
	char directory[512];
	snprintf(directory, sizeof directory, "%s/afork-test-XXXXXX", cgroup2_mount());
	check(mkdtemp(directory) != NULL);
	int cgroup = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int mechanism = AFORK_ANY; mechanism <= AFORK_FORK; mechanism++) {
		if (!mechanism_possible((enum afork_mechanism)mechanism))
			continue;
		struct afork_options options = shell("cat /proc/self/cgroup");
		options.flags = AFORK_SETCGROUP;
		options.cgroup_fd = cgroup;
		options.mechanism = (enum afork_mechanism)mechanism;
		check(strstr(output(&options, NULL), strrchr(directory, '/')) != NULL);
		check(!mechanism || afork_last_mechanism() == (enum afork_mechanism)mechanism);
	}
	close(cgroup);
	check_equal(rmdir(directory), 0);
}

/* --- identity --- */

static void another_user_leaves_the_parent_dumpable(void)
{
	check_equal(prctl(PR_GET_DUMPABLE), 1);
	const gid_t groups[] = {65532, 65533};
	struct afork_options options = shell("id -u; id -g; id -G");
	options.flags = AFORK_SETUID | AFORK_SETGID | AFORK_SETGROUPS;
	options.uid = options.gid = 65534;
	options.groups = groups;
	options.group_count = 2;
	check_string(output(&options, NULL), "65534\n65534\n65534 65532 65533\n");
	check_equal(afork_last_mechanism(), AFORK_FORK);
	check_equal(prctl(PR_GET_DUMPABLE), 1);
	check_equal(getuid(), 0);
}

static void another_user_is_refused_in_shared_memory(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/true", .flags = AFORK_SETUID, .uid = 65534);
	struct afork_job *job;
	for (int mechanism = AFORK_CLONE3; mechanism < AFORK_FORK; mechanism++) {
		options.mechanism = (enum afork_mechanism)mechanism;
		check_equal(afork_spawn(&job, &options), ENOTSUP);
	}
}

static void a_user_that_may_not_is_told(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct afork_options options = OPTIONS(.file = "/bin/true", .flags = AFORK_SETUID, .uid = 0);
		struct afork_failure failure;
		raw(SYS_setresuid, 65534, 65534, 65534);
		struct afork_job *job = start(&options);
		bool fine = afork_job_wait_exec(job, &failure) == AFORK_FAILED && failure.error == EPERM &&
			    failure.step == AFORK_STEP_SETUID && exit_code(finish(job)) == 127;
		_exit(fine ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	check_equal(status, 0);
}

static void ones_own_ids_cost_nothing(void)
{
	struct afork_options options = shell("id -u");
	options.flags = AFORK_SETUID | AFORK_SETGID | AFORK_SETGROUPS;
	options.uid = geteuid();
	options.gid = getegid();
	check_equal(atoi(output(&options, NULL)), (int)geteuid());
	check_equal(afork_last_mechanism(), expected_mechanism());
	check_equal(prctl(PR_GET_DUMPABLE), 1);
}

int main(void)
{
	setpgid(0, 0);
	run("a new session", session_is_new);
	run("a new group, and a given one", group_is_new_or_given);
	run("the terminal becomes the controlling one", terminal_becomes_the_controlling_one);
	if (!under_valgrind())
		run("limits are set, in the child only", limits_are_set);
	if (access("/proc/self/sched", R_OK) == 0)
		run("the scheduler is set, in the child only", scheduler_is_set);
	if (cgroup2_mount())
		run("is born in the cgroup, by every mechanism", is_born_in_the_cgroup);
	else
		skip("is born in the cgroup", "no cgroup v2 to write to");
	if (geteuid() != 0) {
		skip("another user", "needs root");
		return done();
	}
	run("another user leaves the parent dumpable", another_user_leaves_the_parent_dumpable);
	run("another user is refused in shared memory", another_user_is_refused_in_shared_memory);
	run("a user that may not is told", a_user_that_may_not_is_told);
	run("one's own ids cost nothing", ones_own_ids_cost_nothing);
	return done();
}
