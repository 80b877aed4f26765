/* SPDX-License-Identifier: MIT */
/* The program, its arguments, environment and directory. */
#include "test.h"

static void runs_a_program(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/echo", .argv = VECTOR("echo", "a b", ""));
	int status;
	check_string(output(&options, &status), "a b \n");
	check_equal(status, 0);
	check_equal(afork_last_mechanism(), expected_mechanism());
}

static void caller_is_named_by_the_job(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/sh", .argv = VECTOR("sh", "-c", "exit 7"));
	struct afork_job *job = start(&options);
	check(afork_job_pid(job) > 0);
	check_equal(afork_job_mechanism(job), expected_mechanism());
	check(afork_job_pidfd(job) >= 0);
	check_equal(fcntl(afork_job_pidfd(job), F_GETFD), FD_CLOEXEC);
	check_equal(afork_job_doorbell(job), -1);
	check_equal(exit_code(finish(job)), 7);
}

static void environment_is_the_given_one(void)
{
	struct afork_options options = OPTIONS(.file = "/usr/bin/env", .envp = VECTOR("A=1", "B=two"));
	check_string(output(&options, NULL), "A=1\nB=two\n");
}

static void environment_is_the_callers_without_one(void)
{
	setenv("AFORK_TEST", "inherited", 1);
	struct afork_options options = OPTIONS(.file = "/bin/sh", .argv = VECTOR("sh", "-c", "echo $AFORK_TEST"));
	check_string(output(&options, NULL), "inherited\n");
}

static void directory_is_set_before_the_program_is_looked_for(void)
{
	struct afork_options options = OPTIONS(.file = "./pwd", .cwd = "/bin", .argv = VECTOR("pwd", "-P"));
	check(strstr(output(&options, NULL), "/bin\n") != NULL);
	char here[4096];
	check(getcwd(here, sizeof here) && strcmp(here, "/bin"));
}

static void arguments_are_copied(void)
{
	char word[] = "before", file[] = "/bin/echo", *argv[] = {"echo", word, NULL};
	struct afork_options options = OPTIONS(.file = file, .argv = (const char *const *)argv);
	int ends[2];
	check_equal(pipe2(ends, O_CLOEXEC), 0);
	const int map[] = {0, ends[1]};
	options.fd_map = map;
	options.fd_map_count = 2;
	struct afork_job *job = start(&options);
	memset(word, 'x', 6);
	memset(file, 'x', 9);
	close(ends[1]);
	check_string(read_all(ends[0]), "before\n");
	close(ends[0]);
	check_equal(finish(job), 0);
}

static void large_arguments(void)
{
	enum {
		COUNT = 3000,
		LENGTH = 100
	};
	static char words[COUNT][LENGTH + 1];
	static const char *argv[COUNT + 5] = {"sh", "-c", "echo $#", "sh"};
	for (int i = 0; i < COUNT; i++) {
		memset(words[i], 'a', LENGTH);
		argv[4 + i] = words[i];
	}
	struct afork_options options = OPTIONS(.file = "/bin/sh", .argv = argv);
	check_string(output(&options, NULL), "3000\n");
}

/* --- which program --- */

static char *make_directory(void)
{
	static char directory[] = "/tmp/afork-test-XXXXXX";
	if (!strstr(directory, "XXXXXX"))
		return directory;
	return mkdtemp(directory);
}

static const char *make_script(const char *name, const char *text, mode_t mode)
{
	static char paths[8][256];
	static int count;
	char *path = paths[count++ % 8];
	snprintf(path, sizeof paths[0], "%s/%s", make_directory(), name);
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	fchmod(fd, mode);
	close(fd);
	return path;
}

static void path_of_the_child_is_searched(void)
{
	char path[512];
	make_script("afork-test-tool", "#!/bin/sh\necho found\n", 0755);
	snprintf(path, sizeof path, "PATH=/nowhere:%s", make_directory());
	struct afork_options options =
		OPTIONS(.file = "afork-test-tool", .flags = AFORK_SEARCH_PATH, .envp = VECTOR(path));
	check_string(output(&options, NULL), "found\n");
	snprintf(path, sizeof path, "%s", make_directory());
	options.path = path;
	options.envp = VECTOR("PATH=/nowhere");
	check_string(output(&options, NULL), "found\n");
}

static void path_defaults(void)
{
	struct afork_options options =
		OPTIONS(.file = "echo", .flags = AFORK_SEARCH_PATH, .argv = VECTOR("echo", "x"), .envp = VECTOR("A=1"));
	check_string(output(&options, NULL), "x\n");
}

static void candidates_are_tried_in_turn(void)
{
	struct afork_options options = OPTIONS(.candidates = VECTOR("/nowhere/x", "/etc/passwd/x", "/bin/echo"),
					       .argv = VECTOR("echo", "third"));
	check_string(output(&options, NULL), "third\n");
}

static void script_without_interpreter_runs_by_shell(void)
{
	const char *script = make_script("plain", "echo \"$0 $1 $2\"\n", 0755);
	char expected[300];
	snprintf(expected, sizeof expected, "%s one two\n", script);
	struct afork_options options =
		OPTIONS(.file = script, .argv = VECTOR("name", "one", "two"), .flags = AFORK_SHELL_FALLBACK);
	check_string(output(&options, NULL), expected);
}

static void script_without_interpreter_fails_without_the_flag(void)
{
	struct afork_failure failure;
	struct afork_options options = OPTIONS(.file = make_script("plain", "echo no\n", 0755));
	struct afork_job *job = start(&options);
	check_equal(afork_job_wait_exec(job, &failure), AFORK_FAILED);
	check_equal(failure.error, ENOEXEC);
	finish(job);
}

static void clean_up(void)
{
	char command[300];
	snprintf(command, sizeof command, "rm -r %s", make_directory());
	check_equal(system(command), 0);
}

int main(void)
{
	run("runs a program", runs_a_program);
	run("the job knows pid, pidfd and mechanism", caller_is_named_by_the_job);
	run("the environment is the given one", environment_is_the_given_one);
	run("the environment is the caller's without one", environment_is_the_callers_without_one);
	run("the directory is set before the program is looked for", directory_is_set_before_the_program_is_looked_for);
	run("arguments are copied", arguments_are_copied);
	run("300 KB of arguments", large_arguments);
	run("the child's PATH is searched, or the given one", path_of_the_child_is_searched);
	run("PATH has a default", path_defaults);
	run("candidates are tried in turn", candidates_are_tried_in_turn);
	run("a script without #! runs by the shell", script_without_interpreter_runs_by_shell);
	run("but not without the flag", script_without_interpreter_fails_without_the_flag);
	clean_up();
	return done();
}
