/* SPDX-License-Identifier: MIT */
/* afork_popen(): data, status, failure as end of file or EPIPE, and no thief. */
#include "test.h"

static char *read_stream(FILE *file)
{
	static char text[256];
	text[fread(text, 1, sizeof text - 1, file)] = 0;
	return text;
}

static void reads(void)
{
	FILE *file = afork_popen("echo out; exit 3", "r");
	check_equal(afork_last_mechanism(), expected_mechanism());
	check_string(read_stream(file), "out\n");
	check_equal(exit_code(afork_pclose(file)), 3);
}

static void writes(void)
{
	int ends[2];
	check_equal(pipe(ends), 0);
	char command[64];
	snprintf(command, sizeof command, "cat >&%d", ends[1]);
	FILE *file = afork_popen(command, "we");
	close(ends[1]);
	check(fputs("to the child", file) >= 0);
	check_equal(afork_pclose(file), 0);
	check_string(read_all(ends[0]), "to the child");
	close(ends[0]);
}

static void runs_a_vector_without_a_shell(void)
{
	FILE *file = afork_popenv("echo", VECTOR("echo", "$HOME", "*"), "r");
	check_string(read_stream(file), "$HOME *\n");
	check_equal(afork_pclose(file), 0);
}

static void failure_is_end_of_file(void)
{
	FILE *file = afork_popenv("/nowhere", VECTOR("nowhere"), "r");
	check_equal(fgetc(file), EOF);
	check(feof(file) && !ferror(file));
	errno = 0;
	check_equal(afork_pclose(file), -1);
	check_equal(errno, ENOENT);
}

static void failure_is_epipe(void)
{
	signal(SIGPIPE, SIG_IGN);
	FILE *file = afork_popenv("/etc/passwd", VECTOR("passwd"), "w");
	setvbuf(file, NULL, _IONBF, 0);
	while (fputs("x", file) >= 0) /* into the pipe, until the child has gone */
		;
	check_equal(errno, EPIPE);
	check_equal(afork_pclose(file), -1);
	check_equal(errno, EACCES);
	signal(SIGPIPE, SIG_DFL);
}

/* A descriptor of the first stream in the second child would keep the first program from its end of file. */
static void later_children_have_no_earlier_stream(void)
{
	FILE *first = afork_popen("cat", "w"), *second = afork_popen("cat", "w");
	check(fcntl(fileno(second), F_GETFD) & FD_CLOEXEC);
	check_equal(afork_pclose(first), 0);
	check_equal(afork_pclose(second), 0);
}

static void works_with_standard_streams_closed(void)
{
	int saved = fcntl(1, F_DUPFD_CLOEXEC, 10), saved_input = fcntl(0, F_DUPFD_CLOEXEC, 10);
	fflush(stdout);
	close(0);
	close(1);
	FILE *file = afork_popen("echo x", "r"); /* the pipe is 0 and 1 */
	char *text = read_stream(file);
	int status = afork_pclose(file);
	dup2(saved, 1);
	dup2(saved_input, 0);
	close(saved);
	close(saved_input);
	check_string(text, "x\n");
	check_equal(status, 0);
}

static void nobody_steals_the_status(void)
{
	FILE *file = afork_popen("exit 6", "r");
	check(wait(NULL) > 0);
	int status = afork_pclose(file);
	if (kernel_keeps_status())
		check_equal(exit_code(status), 6);
	else
		check(status == -1 && errno == ECHILD);
}

static void nonsense_is_refused(void)
{
	const char *const types[] = {"", "x", "rw", "r+", "er"};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		errno = 0;
		check(afork_popen("true", types[i]) == NULL);
		check_equal(errno, EINVAL);
	}
	check_equal(afork_pclose(stdout), -1);
	check_equal(errno, EINVAL);
}

int main(void)
{
	run("reads", reads);
	run("writes", writes);
	run("runs a vector without a shell", runs_a_vector_without_a_shell);
	run("failure is end of file, its errno comes at close", failure_is_end_of_file);
	run("failure is EPIPE", failure_is_epipe);
	run("works with standard streams closed", works_with_standard_streams_closed);
	run("nobody steals the status", nobody_steals_the_status);
	run("nonsense is refused", nonsense_is_refused);
	run("later children have no earlier stream", later_children_have_no_earlier_stream);
	return done();
}
