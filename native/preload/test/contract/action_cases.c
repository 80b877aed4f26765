/* SPDX-License-Identifier: MIT */
/* File actions, in their order, and what comes of those that fail. */
#include "contract.h"

static posix_spawn_file_actions_t actions;

static void begin(void)
{
	posix_spawn_file_actions_init(&actions);
}

static void add_dup2(int from, int to)
{
	say(" %d", posix_spawn_file_actions_adddup2(&actions, from, to));
}

static void add_open(int fd, const char *path, int flags, mode_t mode)
{
	say(" %d", posix_spawn_file_actions_addopen(&actions, fd, path, flags, mode));
}

static void add_close(int fd)
{
	say(" %d", posix_spawn_file_actions_addclose(&actions, fd));
}

static void add_chdir(const char *path)
{
	say(" %d", posix_spawn_file_actions_addchdir_np(&actions, path));
}

/* Twice, for a child of each age; and shows that the caller keeps nothing. */
static void spawn(void)
{
	say_shell("readlink /proc/self/fd/0 /proc/self/fd/9; pwd; cat <&9", &actions, NULL);
	say_show(&actions, NULL);
	say_descriptors();
	posix_spawn_file_actions_destroy(&actions);
}

static void none(void)
{
	begin();
	spawn();
}

static void null_device(void)
{
	begin();
	add_open(0, "/dev/null", O_RDONLY, 0);
	add_open(9, "/dev/null", O_RDWR, 0);
	spawn();
}

static void open_and_read(void)
{
	make_file("file", 0644, "content\n");
	begin();
	add_open(9, "file", O_RDONLY, 0);
	spawn();
}

static void open_and_write(void)
{
	umask(022);
	begin();
	add_open(1, "made", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	add_open(9, "/dev/null", O_RDONLY, 0);
	spawn();
	struct stat file;
	say(" mode %o", stat("made", &file) ? 0 : file.st_mode);
	say_file("made");
}

static void open_appends(void)
{
	make_file("log", 0644, "before\n");
	begin();
	add_open(1, "log", O_WRONLY | O_APPEND, 0);
	say_shell("echo appended", &actions, NULL);
	say_file("log");
}

static void open_exclusively(void)
{
	make_file("there", 0644, "");
	begin();
	add_open(9, "new", O_RDWR | O_CREAT | O_EXCL, 0600);
	say_shell("echo 1", &actions, NULL);
	say_shell("echo 2", &actions, NULL);
}

static void open_missing(void)
{
	begin();
	add_open(9, "nothing", O_RDONLY, 0);
	spawn();
}

static void open_fails(void)
{
	begin();
	add_open(9, "/", O_WRONLY, 0);
	spawn();
	begin();
	add_open(9, "/nowhere/file", O_WRONLY | O_CREAT, 0600);
	spawn();
	begin();
	add_open(9, "/bin/sh/x", O_RDONLY, 0);
	spawn();
}

/* The action's error comes first; and what it did before the program was found to be missing stays done. */
static void open_and_missing_program(void)
{
	begin();
	add_open(9, "/", O_WRONLY, 0);
	say_spawn(&(struct spawn){.file = "/nowhere", .actions = &actions});
	begin();
	add_open(9, "made", O_WRONLY | O_CREAT, 0600);
	say_spawn(&(struct spawn){.file = "/nowhere", .actions = &actions});
	say(" made %d", access("made", F_OK));
	begin();
	add_open(9, "/dev/null", O_WRONLY, 0);
	say_spawn(&(struct spawn){.file = "/nowhere", .actions = &actions});
}

static void open_in_place_of_another(void)
{
	make_file("file", 0644, "content\n");
	int fd = open("/dev/null", O_RDONLY);
	dup2(fd, 9);
	begin();
	add_open(9, "file", O_RDONLY, 0);
	spawn();
}

static void open_closes_on_exec(void)
{
	begin();
	add_open(9, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
	spawn();
}

/* By the child's descriptors, not by the caller's. */
static void open_own_descriptor(void)
{
	make_file("file", 0644, "content\n");
	begin();
	add_open(8, "file", O_RDONLY, 0);
	add_open(9, "/dev/fd/8", O_RDONLY, 0);
	spawn();
	begin();
	add_open(8, "file", O_RDONLY, 0);
	add_open(9, "/proc/self/fd/8", O_RDONLY, 0);
	spawn();
	if (symlink("/dev/fd/8", "link"))
		say("?");
	begin();
	add_open(8, "file", O_RDONLY, 0);
	add_open(9, "link", O_RDONLY, 0);
	spawn();
}

static void open_own_status(void)
{
	begin();
	add_open(9, "/proc/self/comm", O_RDONLY, 0);
	say_shell("cat <&9", &actions, NULL);
}

static void open_pipe(void)
{
	mkfifo("pipe", 0600);
	begin();
	add_open(9, "pipe", O_RDWR, 0);
	say_shell("echo through the pipe >&9; read line <&9; echo $line", &actions, NULL);
}

/* The numbers that are free in the caller are those that a file opened in the child's stead would have. */
static void open_among_other_numbers(void)
{
	make_file("file", 0644, "content\n");
	begin();
	for (int fd = 3; fd < 9; fd++)
		add_dup2(0, fd);
	add_open(9, "file", O_RDONLY, 0);
	spawn();
}

static void dup2_chain(void)
{
	make_file("a", 0644, "a\n");
	make_file("b", 0644, "b\n");
	begin();
	add_open(8, "a", O_RDONLY, 0);
	add_open(9, "b", O_RDONLY, 0);
	add_dup2(8, 10);
	add_dup2(9, 8);
	add_dup2(10, 9);
	add_close(10);
	spawn();
}

static void dup2_of_close_on_exec(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	begin();
	add_dup2(fd, 9);
	spawn();
}

static void dup2_to_itself(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup3(fd, 9, O_CLOEXEC);
	begin();
	add_dup2(9, 9);
	spawn();
}

static void dup2_of_closed(void)
{
	begin();
	add_dup2(77, 9);
	spawn();
	begin();
	add_dup2(77, 77);
	spawn();
	begin();
	add_dup2(0, 9);
	add_close(9);
	add_dup2(9, 10);
	spawn();
}

static void numbers_out_of_range(void)
{
	struct rlimit limit = {1024, 4096};
	begin();
	add_dup2(0, 1 << 30);
	add_dup2(-1, 3);
	add_close(-1);
	add_close(1 << 30);
	add_open(-1, "/dev/null", O_RDONLY, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	add_dup2(0, 1023);
	add_dup2(0, 1024);
	spawn();
	/* Allowed when they were added, not when they are done. */
	begin();
	add_dup2(0, 900);
	limit.rlim_cur = 800;
	setrlimit(RLIMIT_NOFILE, &limit);
	spawn();
	begin();
	add_close(790);
	limit.rlim_cur = 700;
	setrlimit(RLIMIT_NOFILE, &limit);
	spawn();
}

static void close_some(void)
{
	int fd = open("/dev/null", O_RDONLY);
	dup2(fd, 9);
	begin();
	add_close(9);
	add_close(300); /* not open: no error */
	add_close(0);
	spawn();
}

static void close_from(void)
{
	int fd = open("/dev/null", O_RDONLY);
	dup2(fd, 30);
	dup2(fd, 31);
	begin();
	say(" %d", posix_spawn_file_actions_addclosefrom_np(&actions, 3));
	spawn();
}

static void close_from_then_more(void)
{
	make_file("file", 0644, "content\n");
	begin();
	say(" %d", posix_spawn_file_actions_addclosefrom_np(&actions, 3));
	add_open(9, "file", O_RDONLY, 0);
	spawn();
	begin();
	say(" %d", posix_spawn_file_actions_addclosefrom_np(&actions, 3));
	add_dup2(30, 9);
	spawn();
}

static void change_directory(void)
{
	mkdir("sub", 0755);
	make_file("sub/file", 0644, "in sub\n");
	make_file("sub/program", 0755, "#!/bin/sh\npwd\n");
	begin();
	add_chdir("sub");
	add_open(9, "file", O_RDONLY, 0);
	spawn();
	begin();
	add_chdir("sub");
	say_spawn(&(struct spawn){.file = "./program", .actions = &actions});
	say_spawn(&(struct spawn){.file = "sub/program", .actions = &actions});
	setenv("PATH", "sub:", 1);
	say_spawn(&(struct spawn){.file = "program", .actions = &actions, .search = true});
	begin();
	add_chdir("sub");
	add_chdir("..");
	add_chdir("/");
	spawn();
}

static void change_directory_fails(void)
{
	begin();
	add_chdir("nowhere");
	spawn();
	begin();
	add_chdir("/bin/sh");
	spawn();
	mkdir("closed", 0600);
	begin();
	add_chdir("closed");
	if (be_nobody())
		spawn();
}

static void change_directory_by_descriptor(void)
{
	mkdir("sub", 0755);
	int fd = open("sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	begin();
	say(" %d", posix_spawn_file_actions_addfchdir_np(&actions, fd));
	spawn();
	begin();
	add_dup2(fd, 20);
	say(" %d", posix_spawn_file_actions_addfchdir_np(&actions, 20));
	add_open(9, "../", O_RDONLY, 0);
	spawn();
	begin();
	say(" %d", posix_spawn_file_actions_addfchdir_np(&actions, file));
	spawn();
	begin();
	say(" %d", posix_spawn_file_actions_addfchdir_np(&actions, 99));
	spawn();
}

static void change_directory_in_proc(void)
{
	begin();
	add_chdir("/proc/self");
	say_shell("cat comm", &actions, NULL);
}

static void foreground(void)
{
	begin();
	say(" %d", posix_spawn_file_actions_addtcsetpgrp_np(&actions, 0));
	int fd = open("/dev/null", O_RDONLY);
	dup2(fd, 0);
	spawn();
}

static void without_free_descriptors(void)
{
	struct rlimit limit = {240, 240};
	begin();
	add_dup2(0, 9);
	setrlimit(RLIMIT_NOFILE, &limit);
	/* say_spawn() needs some, so by hand. */
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	const char *const argv[] = {"sh", "-c", "exit 5", NULL};
	pid_t pid;
	int status = -1;
	int error = posix_spawn(&pid, "/bin/sh", &actions, NULL, (char *const *)argv, environ);
	say(" error %d", error);
	waitpid(pid, &status, 0);
	say_status(status);
	posix_spawn_file_actions_addopen(&actions, 9, "/dev/null", O_RDONLY, 0);
	error = posix_spawn(&pid, "/bin/sh", &actions, NULL, (char *const *)argv, environ);
	say(" error %d", error);
	waitpid(pid, &status, 0);
	say_status(status);
}

static void hundreds(void)
{
	begin();
	for (int fd = 3; fd < 500; fd++)
		posix_spawn_file_actions_addclose(&actions, fd);
	add_dup2(0, 9);
	say_show(&actions, NULL);
}

const struct test_case action_cases[] = {
	{"no actions", none, "afork fresh", "afork:2"},
	{"open the null device", null_device, "afork fresh", "afork:2"},
	{"open and read", open_and_read, "afork fresh", "afork:2"},
	{"open and write", open_and_write, "afork fresh", "afork:2"},
	{"open and append", open_appends, "afork", NULL},
	{"open exclusively", open_exclusively, "action:2", NULL},
	{"open what is missing", open_missing, "action:2", NULL},
	{"open fails", open_fails, "action:5 fresh", "action:6"},
	{"open, and a missing program", open_and_missing_program, "answered action:2", NULL},
	{"open in place of another", open_in_place_of_another, "afork fresh", "afork:2"},
	{"open with close-on-exec", open_closes_on_exec, "action:2", NULL},
	{"open own descriptor", open_own_descriptor, "action:6", NULL},
	{"open own status", open_own_status, "action", NULL},
	{"open a pipe", open_pipe, "action", NULL},
	{"open among other numbers", open_among_other_numbers, "afork fresh", "afork:2"},
	{"dup2 in a chain", dup2_chain, "afork fresh", "afork:2"},
	{"dup2 of close-on-exec", dup2_of_close_on_exec, "afork fresh", "afork:2"},
	{"dup2 to itself", dup2_to_itself, "afork fresh", "afork:2"},
	{"dup2 of what is closed", dup2_of_closed, "action:6", NULL},
	{"numbers out of range", numbers_out_of_range, NULL, NULL},
	{"close", close_some, "afork fresh", "afork:2"},
	{"close from", close_from, "afork fresh", "afork:2"},
	{"close from, then more", close_from_then_more, "action:4", NULL},
	{"change directory", change_directory, "afork:2 answered fresh:4", "afork:6 answered"},
	{"change directory fails", change_directory_fails, "action:6", NULL},
	{"change directory by descriptor", change_directory_by_descriptor, "afork action:6 fresh", "afork:2 action:6"},
	{"change directory in /proc", change_directory_in_proc, "action", NULL},
	{"foreground group", foreground, "action:2", NULL},
	{"without free descriptors", without_free_descriptors, "action program", NULL},
	{"hundreds of actions", hundreds, "fresh", "afork"},
	{NULL, NULL, NULL, NULL},
};
