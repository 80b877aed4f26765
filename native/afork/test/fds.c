/* SPDX-License-Identifier: MIT */
/* Descriptors: what the child has, under which number, and that the doorbell is never in the way. */
#include "test.h"
#include <dirent.h>

/* "0 1 2 5 ": the child's descriptors, as it sees them itself: this program, executed as «list-fds». */
static int list_fds(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d ", fd);
	return 0;
}

/* Runs a shell script (or, if NULL, list_fds()) whose output comes through descriptor 1, entry 1 of the map. */
static char *script_output(struct afork_options *options, int *map, size_t count, const char *script)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	map[1] = ends[1];
	options->size = sizeof *options;
	options->file = script ? "/bin/sh" : "/proc/self/exe";
	options->argv = script ? VECTOR("sh", "-c", script) : VECTOR("list-fds");
	options->fd_map = map;
	options->fd_map_count = count;
	struct afork_job *job = start(options);
	close(ends[1]);
	char *text = read_all(ends[0]);
	close(ends[0]);
	struct afork_failure failure;
	afork_job_state(job, &failure);
	check(failure.error == 0, "(%s at %s %d)", strerror(failure.error), afork_step_name(failure.step),
	      failure.index);
	check_equal(exit_code(finish(job)), 0);
	return text;
}

/* A close-on-exec file with this text, at this number. */
static int file_at(int fd, const char *text)
{
	int file = memfd_create("afork-test", MFD_CLOEXEC);
	if (write(file, text, strlen(text)) < 0 || lseek(file, 0, SEEK_SET) < 0)
		exit(1);
	if (file == fd)
		return fd;
	if (dup3(file, fd, O_CLOEXEC) != fd)
		exit(1);
	close(file);
	return fd;
}

static void nothing_else_is_inherited(void)
{
	file_at(20, "");
	int map[] = {0, 0, 2};
	check_string(script_output(&(struct afork_options){.flags = 0}, map, 3, NULL), "0 1 2 ");
	check_string(script_output(&(struct afork_options){.flags = AFORK_DOORBELL}, map, 3, NULL), "0 1 2 ");
	close(20);
}

static void map_swaps(void)
{
	file_at(3, "three ");
	file_at(4, "four ");
	int map[] = {0, 0, 2, 4, 3};
	check_string(script_output(&(struct afork_options){.flags = 0}, map, 5, "cat <&3; cat <&4"), "four three ");
	close(3);
	close(4);
}

static void map_duplicates_and_skips(void)
{
	file_at(4, "4444");
	int map[] = {4, 0, AFORK_FD_NULL, AFORK_FD_CLOSE, AFORK_FD_KEEP, 4};
	struct afork_options options = {.flags = 0};
	check_string(script_output(&options, map, 6, "readlink /proc/self/fd/2; head -c2; cat <&5"), "/dev/null\n4444");
	check_string(script_output(&options, map, 6, NULL), "0 1 2 5 ");
	close(4);
}

static void actions_run_in_order(void)
{
	file_at(10, "ten");
	const struct afork_action actions[] = {
		{.type = AFORK_DUP2, .from = 10, .fd = 11},
		{.type = AFORK_CLOSE, .fd = 10},
		{.type = AFORK_DUP2, .from = 11, .fd = 12},
		{.type = AFORK_CHDIR, .path = "/dev"},
		{.type = AFORK_OPEN, .fd = 10, .path = "null", .flags = O_RDONLY},
		{.type = AFORK_DUP2, .from = 12, .fd = 0},
		{.type = AFORK_CLOSEFROM, .fd = 11},
	};
	struct afork_options options = {.actions = actions, .action_count = sizeof actions / sizeof *actions};
	int map[] = {0, 0, 2};
	check_string(script_output(&options, map, 3, "cat; readlink /proc/$$/fd/10; readlink /proc/$$/cwd"),
		     "ten/dev/null\n/dev\n");
	check_string(script_output(&options, map, 3, NULL), "0 1 2 10 ");
	close(10);
}

static void action_uses_a_directory(void)
{
	int directory = open("/usr/bin", O_PATH | O_CLOEXEC);
	const struct afork_action action = {.type = AFORK_FCHDIR, .fd = directory};
	struct afork_options options = {.actions = &action, .action_count = 1};
	int map[] = {0, 0, 2};
	check_string(script_output(&options, map, 3, "readlink /proc/$$/cwd"), "/usr/bin\n");
	close(directory);
}

static void source_that_is_not_open(void)
{
	const struct afork_action action = {.type = AFORK_DUP2, .from = 700, .fd = 5};
	struct afork_options options = OPTIONS(.file = "/bin/true", .actions = &action, .action_count = 1);
	struct afork_job *job = start(&options);
	struct afork_failure failure;
	check_equal(afork_job_wait_exec(job, &failure), AFORK_FAILED);
	check_equal(failure.error, EBADF);
	finish(job);
}

/* --- the doorbell --- */

/* The numbers that the next pipe will get. */
static void next_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	close(ends[0]);
	close(ends[1]);
}

static void expect_bell(struct afork_job *job, enum afork_state state)
{
	struct pollfd bell = {.fd = afork_job_doorbell(job), .events = POLLIN};
	check_equal(poll(&bell, 1, 10000), 1);
	check_equal(bell.revents, POLLHUP);
	check_equal(afork_job_wait_exec(job, NULL), state);
}

static char *target_of(struct afork_job *job, int fd)
{
	static char targets[2][256];
	static int next;
	char path[64], *target = targets[next++ % 2];
	snprintf(path, sizeof path, "/proc/%d/fd/%d", afork_job_pid(job), fd);
	ssize_t size = readlink(path, target, sizeof targets[0] - 1);
	target[size < 0 ? 0 : size] = 0;
	return target;
}

/* Every number around the bell's is a target: the child must have them all, and ring at exec, not before. */
static void bell_is_under_targets(void)
{
	enum {
		COUNT = 12
	};
	int map[COUNT];
	for (int fd = 0; fd < COUNT; fd++)
		map[fd] = fd < 3 ? fd : 0;
	struct afork_action wait = wait_for_writer;
	wait.fd = COUNT;
	struct afork_options options =
		OPTIONS(.file = "/bin/sleep", .argv = VECTOR("sleep", "60"), .fd_map = map, .fd_map_count = COUNT,
			.flags = AFORK_DOORBELL, .actions = &wait, .action_count = shares_memory());
	struct afork_job *job = start(&options);
	struct pollfd bell = {.fd = afork_job_doorbell(job), .events = POLLIN};
	check(bell.fd < COUNT);
	while (strcmp(target_of(job, COUNT - 1), target_of(job, 0))) /* the last of the map: the bell's was before */
		sched_yield();
	if (shares_memory()) {
		check_equal(poll(&bell, 1, 0), 0);
		check_equal(afork_job_state(job, NULL), AFORK_STARTING);
		let_go();
	}
	expect_bell(job, AFORK_STARTED);
	for (int fd = 3; fd < COUNT; fd++)
		check_string(target_of(job, fd), target_of(job, 0));
	afork_job_kill(job, SIGKILL);
	finish(job);
}

static void bell_is_under_actions(void)
{
	int ends[2];
	next_pipe(ends);
	const struct afork_action actions[] = {
		{.type = AFORK_OPEN, .fd = ends[1], .path = "/dev/null", .flags = O_RDWR},
		{.type = AFORK_DUP2, .from = ends[1], .fd = ends[1] + 1},
		{.type = AFORK_CLOSE, .fd = ends[0]},
		{.type = AFORK_CLOSEFROM, .fd = ends[1] + 2},
	};
	struct afork_options options = OPTIONS(.file = "/bin/sleep", .argv = VECTOR("sleep", "60"), .actions = actions,
					       .action_count = 4, .flags = AFORK_DOORBELL);
	struct afork_job *job = start(&options);
	expect_bell(job, AFORK_STARTED);
	for (int fd = ends[1]; fd < ends[1] + 2; fd++)
		check_string(target_of(job, fd), "/dev/null");
	afork_job_kill(job, SIGKILL);
	finish(job);
}

/* To the user the bell is not there: a copy of it is EBADF, as without the flag, and it does not ring late. */
static void bell_is_no_source(void)
{
	int ends[2];
	next_pipe(ends);
	for (int end = 0; end < 2; end++) {
		const struct afork_action action = {.type = AFORK_DUP2, .from = ends[end], .fd = ends[end]};
		struct afork_options options = OPTIONS(.file = "/bin/sleep", .argv = VECTOR("sleep", "60"),
						       .actions = &action, .action_count = 1, .flags = AFORK_DOORBELL);
		struct afork_job *job = start(&options);
		expect_bell(job, AFORK_FAILED);
		struct afork_failure failure;
		afork_job_state(job, &failure);
		check_equal(failure.error, EBADF);
		finish(job);
	}
}

/* --- modes --- */

static void standard_streams_are_made_blocking(void)
{
	int ends[2];
	check_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	int map[] = {ends[0], ends[1], 2};
	struct afork_options options = OPTIONS(.file = "/bin/true", .fd_map = map, .fd_map_count = 2);
	finish(start(&options));
	check(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
	options.flags = AFORK_STDIO_BLOCKING;
	finish(start(&options));
	check(!(fcntl(ends[0], F_GETFL) & O_NONBLOCK));
	check(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK));
	close(ends[0]);
	close(ends[1]);
}

static unsigned count_fds(void)
{
	unsigned count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* The child closes everything in a table of its own, though it was born with ours. */
static void deferred_table_is_the_childs_own(void)
{
	unsigned before = count_fds();
	const struct afork_action actions[] = {{.type = AFORK_CLOSEFROM, .fd = 0},
					       {.type = AFORK_OPEN, .fd = 0, .path = "/dev/null", .flags = O_RDWR}};
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .flags = AFORK_DEFER_FDS, .actions = actions, .action_count = 2);
	struct afork_job *job = start(&options);
	check_equal(afork_job_wait_exec(job, NULL), AFORK_STARTED);
	check_equal(exit_code(finish(job)), 0);
	check_equal(count_fds(), before);
	options.flags |= AFORK_DOORBELL;
	check_equal(afork_spawn(&job, &options), EINVAL);
}

int main(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "list-fds"))
		return list_fds();
	raw(SYS_close_range, 3, ~0u, 0); /* what we were given beyond the standard streams */
	make_fifo();
	unsigned before = count_fds();
	if (!under_valgrind()) {
		run("nothing else is inherited", nothing_else_is_inherited);
		run("the map duplicates, skips, closes, gives /dev/null", map_duplicates_and_skips);
		run("actions run in order", actions_run_in_order);
	}
	run("the map swaps", map_swaps);
	run("fchdir", action_uses_a_directory);
	run("a source that is not open", source_that_is_not_open);
	run("the bell's number is a target of the map", bell_is_under_targets);
	run("the bell's number is a target of actions", bell_is_under_actions);
	run("the bell's number is no source", bell_is_no_source);
	run("standard streams are made blocking", standard_streams_are_made_blocking);
	run("a deferred table is the child's own", deferred_table_is_the_childs_own);
	check_equal(count_fds(), before);
	check_equal(afork_last_mechanism(), expected_mechanism());
	unlink(fifo_path);
	return done() || this_failed;
}
