/* SPDX-License-Identifier: MIT */
/* AFORK_ONLY_GIVEN, AFORK_CWD_FD, AFORK_FILE_FD, AFORK_RETRY_BUSY: what a parent may do as soon as it has its child. */
#include "test.h"
#include <dirent.h>
#include <sys/ptrace.h>

static const int nothing[] = {AFORK_FD_NULL, AFORK_FD_NULL, AFORK_FD_NULL};

static unsigned count_fds(void)
{
	unsigned count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* Executed as the child: its descriptors, but that of the directory. */
static int list_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	for (const struct dirent *entry; (entry = readdir(directory));)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(directory))
			printf("%s ", entry->d_name);
	closedir(directory);
	return 0;
}

static bool ends(int fd, int timeout_ms)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	return poll(&polled, 1, timeout_ms) == 1 && polled.revents & POLLHUP;
}

static void child_has_what_it_is_given(void)
{
	int pipes[2], open_file = open("/dev/null", O_RDONLY), map[6] = {0, -1, 2, AFORK_FD_KEEP, AFORK_FD_KEEP, 2};
	check_equal(pipe2(pipes, O_CLOEXEC), 0);
	check_equal(dup2(open_file, 40), 40); /* not close-on-exec */
	map[1] = pipes[1];
	struct afork_options options = OPTIONS(.file = "/proc/self/exe", .argv = VECTOR("list-fds"), .fd_map = map,
					       .fd_map_count = 6, .flags = AFORK_ONLY_GIVEN);
	int kept = open_file == 3 || open_file == 4 ? open_file : -1;
	struct afork_job *job = start(&options);
	close(pipes[1]);
	char expected[64] = "0 1 2 5 ";
	if (kept >= 0)
		snprintf(expected, sizeof expected, "0 1 2 %d 5 ", kept);
	check(afork_job_settle(job, 60000000));
	check_string(read_all(pipes[0]), expected);
	check_equal(exit_code(finish(job)), 0);
	close(pipes[0]);
	close(open_file);
	close(40);
}

/* The caller closes its own at once, and puts something else in their places. */
static void what_is_given_is_held(void)
{
	unsigned before = count_fds();
	int pipes[2];
	check_equal(pipe2(pipes, O_CLOEXEC), 0);
	const int map[] = {AFORK_FD_NULL, pipes[1], AFORK_FD_NULL};
	struct afork_options options = OPTIONS(.file = "/bin/echo", .argv = VECTOR("echo", "held"), .fd_map = map,
					       .fd_map_count = 3, .flags = AFORK_ONLY_GIVEN | AFORK_DOORBELL);
	struct afork_job *job = start(&options);
	close(pipes[1]);
	int other = open("/dev/null", O_WRONLY | O_CLOEXEC);
	check_equal(other, pipes[1]);
	check(afork_job_settle(job, 60000000));
	check_string(read_all(pipes[0]), "held\n");
	check_equal(exit_code(finish(job)), 0);
	close(other);
	close(pipes[0]);
	check_equal(count_fds(), before);
}

/* The child is stuck before its exec; what it was not given ends when the parent closes it. */
static void child_keeps_nothing_else_open(void)
{
	int low[2], high[2];
	check_equal(pipe2(low, O_CLOEXEC), 0);
	check_equal(pipe2(high, O_CLOEXEC), 0);
	int far = fcntl(high[1], F_DUPFD_CLOEXEC, 200);
	close(high[1]);
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .actions = &wait_for_writer, .action_count = 1, .fd_map = nothing,
			.fd_map_count = 3, .flags = AFORK_ONLY_GIVEN | AFORK_DOORBELL);
	struct afork_job *job = start(&options);
	check(afork_job_settle(job, 60000000));
	check_equal(afork_job_state(job, NULL), AFORK_STARTING);
	check(!ends(afork_job_doorbell(job), 0));
	close(low[1]);
	close(far);
	check(ends(low[0], 0));
	check(ends(high[0], 0));
	let_go();
	check(ends(afork_job_doorbell(job), 60000));
	check_equal(exit_code(finish(job)), 0);
	close(low[0]);
	close(high[0]);
}

/* As a program's map that passes on a high number has them; what the library holds for the child lies in one. */
static void rows_of_the_map_are_closed(void)
{
	enum {
		KEPT = 60
	};
	int low[2], output[2], map[KEPT + 1];
	check_equal(pipe2(low, O_CLOEXEC), 0);
	check_equal(pipe2(output, O_CLOEXEC), 0);
	check_equal(dup2(low[0], KEPT), KEPT); /* not close-on-exec */
	for (int fd = 0; fd < KEPT; fd++)
		map[fd] = fd < 3 ? AFORK_FD_NULL : AFORK_FD_CLOSE;
	map[1] = output[1];
	map[KEPT] = AFORK_FD_KEEP;
	struct afork_options options = OPTIONS(.file = "/proc/self/exe", .argv = VECTOR("list-fds"),
					       .actions = &wait_for_writer, .action_count = 1, .fd_map = map,
					       .fd_map_count = KEPT + 1, .flags = AFORK_ONLY_GIVEN | AFORK_DOORBELL);
	struct afork_job *job = start(&options);
	close(output[1]);
	check(job->held_count == 2 && job->held[0] < KEPT, "(%u)", job->held_count);
	check(afork_job_settle(job, 60000000));
	check_equal(afork_job_state(job, NULL), AFORK_STARTING);
	close(low[1]);
	check(ends(low[0], 0));
	let_go();
	check_string(read_all(output[0]), "0 1 2 60 ");
	check_equal(exit_code(finish(job)), 0);
	close(low[0]);
	close(output[0]);
	close(KEPT);
}

/* A parent that has not waited hears of it by the doorbell. */
static void bell_rings_when_settled(void)
{
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .actions = &wait_for_writer, .action_count = 1, .fd_map = nothing,
			.fd_map_count = 3, .flags = AFORK_ONLY_GIVEN | AFORK_DOORBELL);
	for (int i = 0; i < 50; i++) {
		struct afork_job *job = start(&options);
		struct pollfd bell = {.fd = afork_job_doorbell(job), .events = POLLIN};
		if (!afork_job_settle(job, 0)) {
			char ring;
			check(poll(&bell, 1, 60000) == 1 && read(bell.fd, &ring, 1) == 1);
			check(afork_job_settle(job, 0));
		}
		let_go();
		finish(job);
	}
}

static void source_that_is_not_open(void)
{
	const int map[] = {AFORK_FD_NULL, 987, AFORK_FD_NULL};
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .fd_map = map, .fd_map_count = 3, .flags = AFORK_ONLY_GIVEN);
	struct afork_job *job = start(&options);
	struct afork_failure failure;
	check_equal(afork_job_wait_exec(job, &failure), AFORK_FAILED);
	check_equal(failure.error, EBADF);
	check_equal(failure.step, AFORK_STEP_FD_MAP);
	check_equal(failure.index, 1);
	finish(job);
}

/* While a child is given reserved numbers, the spare end becomes somebody's pipe: the library must not keep a copy of that. */
static void spare_end_becomes_another(const struct afork_options *options, int spare)
{
	struct afork_job *job = start(options);
	int his[2];
	check_equal(pipe2(his, O_CLOEXEC), 0);
	check_equal(dup3(his[1], spare, O_CLOEXEC), spare);
	check(afork_job_settle(job, 60000000));
	close(spare);
	close(his[1]);
	check(ends(his[0], 0));
	close(his[0]);
	let_go();
	finish(job);
}

/* With thousands of descriptors about, the child is given low numbers, so that it copies few of them. */
static void reserved_numbers_are_used_and_safe(void)
{
	enum {
		MANY = 300
	};
	int pipes[2], spare = dup(2);
	close(spare);
	afork_reserve_fds(); /* the spare end gets the lowest free number */
	for (int i = 0; i < MANY; i++)
		check(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
	check_equal(pipe2(pipes, O_CLOEXEC), 0);
	const int map[] = {AFORK_FD_NULL, pipes[1], AFORK_FD_NULL};
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .fd_map = map, .fd_map_count = 3, .actions = &wait_for_writer,
			.action_count = 1, .flags = AFORK_ONLY_GIVEN | AFORK_DOORBELL);
	unsigned before = count_fds();
	for (int times = 0; times < 3; times++) {
		struct afork_job *job = start(&options);
		check_equal(job->held_count, 2); /* and the bell */
		check(job->held[0] < 64 && job->held[1] < 64, "(%d, %d)", job->held[0], job->held[1]);
		check(afork_job_settle(job, 60000000));
		let_go();
		finish(job);
		check_equal(count_fds(), before);
	}
	spare_end_becomes_another(&options, spare);
	/* Somebody closes all that he does not know, and opens his own. */
	raw(SYS_close_range, 3, 63, 0);
	int his = open("/dev/zero", O_RDONLY | O_CLOEXEC), more[60];
	for (int i = 0; i < 60; i++)
		more[i] = fcntl(his, F_DUPFD_CLOEXEC, 3);
	options.action_count = 0;
	struct afork_job *job = start(&options);
	check_equal(exit_code(finish(job)), 0);
	struct stat file, expected;
	check_equal(fstat(his, &expected), 0);
	for (int i = 0; i < 60; i++)
		check(fstat(more[i], &file) == 0 && file.st_rdev == expected.st_rdev);
	for (int fd = 3; fd < 500; fd++)
		close(fd);
}

/* --- the program and the directory --- */

static char folder[] = "/tmp/afork-given-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[2][256];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
	return path[turn];
}

static void copy_program(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	for (ssize_t size; (size = read(in, bytes, sizeof bytes)) > 0;)
		check_equal(write(out, bytes, (size_t)size), size);
	close(in);
	close(out);
}

static void directory_may_be_removed(void)
{
	char *name = in_folder("directory");
	check_equal(mkdir(name, 0700), 0);
	int directory = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct afork_options options =
		OPTIONS(.file = "/bin/true", .cwd_fd = directory, .cwd = name, .actions = &wait_for_writer,
			.action_count = 1, .flags = AFORK_CWD_FD | AFORK_ONLY_GIVEN);
	check_equal(rmdir(name), 0);
	struct afork_job *job = start(&options);
	close(directory);
	let_go();
	check_equal(exit_code(finish(job)), 0);
}

/* Nothing is in the place of true, or false is: true is what runs. */
static void program_may_be_removed(void)
{
	for (int replaced = 0; replaced < 2; replaced++) {
		char *name = in_folder("program");
		copy_program("/bin/true", name);
		int file = open(name, O_PATH | O_CLOEXEC);
		struct afork_options options = OPTIONS(.file = name, .file_fd = file, .actions = &wait_for_writer,
						       .action_count = 1, .flags = AFORK_FILE_FD | AFORK_ONLY_GIVEN);
		unlink(name);
		if (replaced)
			copy_program("/bin/false", name);
		struct afork_job *job = start(&options);
		close(file);
		let_go();
		check_equal(exit_code(finish(job)), 0);
		unlink(name);
	}
}

/* A script is executed by its name: so $0 is what it should be. */
static void script_keeps_its_name(void)
{
	int status;
	char *name = in_folder("script"), expected[300];
	int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	check(write(file, "#!/bin/sh\necho $0\n", 18) == 18);
	close(file);
	file = open(name, O_PATH | O_CLOEXEC);
	struct afork_options options =
		OPTIONS(.file = name, .file_fd = file, .flags = AFORK_FILE_FD | AFORK_ONLY_GIVEN);
	snprintf(expected, sizeof expected, "%s\n", name);
	check_string(output(&options, &status), expected);
	check_equal(exit_code(status), 0);
	close(file);
	unlink(name);
}

/* Lets the child go on until its first exec has returned, and gives that result. The child stands still then. */
static long first_exec(pid_t pid)
{
	struct __ptrace_syscall_info call;
	bool executes = false;
	int status;
	check_equal(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	check_equal(ptrace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	check_equal(waitpid(pid, &status, 0), pid);
	int gate = open(fifo_path, O_RDWR | O_CLOEXEC); /* which, unlike let_go(), waits for nobody */
	for (bool is_over = false; !is_over;) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call);
		is_over = call.op == PTRACE_SYSCALL_INFO_EXIT && executes;
		executes = call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == SYS_execve;
	}
	close(gate);
	return WIFSTOPPED(status) ? (long)call.exit.rval : 0;
}

static void busy_program_is_tried_again(void)
{
	char *name = in_folder("busy");
	copy_program("/bin/true", name);
	int writer = open(name, O_WRONLY | O_CLOEXEC);
	struct afork_options options = OPTIONS(.file = name, .fd_map = nothing, .fd_map_count = 3,
					       .flags = AFORK_ONLY_GIVEN | AFORK_RETRY_BUSY);
	struct afork_failure failure;
	struct afork_job *job = start(&options);
	check_equal(afork_job_wait_exec(job, &failure), AFORK_FAILED); /* nobody closes it */
	check_equal(failure.error, ETXTBSY);
	finish(job);
	if (shares_memory()) {
		options.actions = &wait_for_writer;
		options.action_count = 1;
		job = start(&options);
		check_equal(first_exec(afork_job_pid(job)), -ETXTBSY);
		close(writer);
		ptrace(PTRACE_DETACH, afork_job_pid(job), 0, 0);
		check_equal(exit_code(finish(job)), 0);
	} else {
		close(writer);
	}
	unlink(name);
}

int main(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "list-fds"))
		return list_fds();
	raw(SYS_close_range, 3, ~0u, 0);
	make_fifo();
	if (!mkdtemp(folder))
		return 1;
	if (!under_valgrind())
		run("the child has what it is given", child_has_what_it_is_given);
	run("what is given is held", what_is_given_is_held);
	if (shares_memory()) { /* else the parent waits for the exec */
		run("the child keeps nothing else open", child_keeps_nothing_else_open);
		run("rows of the map are closed", rows_of_the_map_are_closed);
		run("the bell rings when the child has its descriptors", bell_rings_when_settled);
		run("the directory may be removed", directory_may_be_removed);
		run("the program may be removed, or replaced", program_may_be_removed);
	}
	run("a source that is not open", source_that_is_not_open);
	run("a script keeps its name", script_keeps_its_name);
	run("a busy program is tried again", busy_program_is_tried_again);
	if (shares_memory())
		run("reserved numbers are used, and nobody else's", reserved_numbers_are_used_and_safe);
	unlink(fifo_path);
	rmdir(folder);
	return done();
}
