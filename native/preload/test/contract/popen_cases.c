/* SPDX-License-Identifier: MIT */
/* popen() and pclose(). */
#include "contract.h"
#include <wchar.h>

/* Programs do that, and glibc lets them. */
#pragma GCC diagnostic ignored "-Wmismatched-dealloc"

static void say_close(FILE *file)
{
	errno = 0;
	int status = pclose(file);
	say(" pclose %#x errno %d", (unsigned)status, status == -1 ? errno : 0);
}

static void say_all(FILE *file)
{
	char text[4096];
	size_t size = fread(text, 1, sizeof text - 1, file);
	text[size] = 0;
	say(" «%s»", text);
}

static void reads(void)
{
	FILE *file = popen("echo one; echo two; exit 3", "r");
	say("fd %d flags %d", fileno(file), fcntl(fileno(file), F_GETFD));
	say(" wide %d", fwide(file, 1));
	say_all(file);
	say(" write %d", fputs("x", file) == EOF);
	say_close(file);
	say_descriptors();
}

static void writes(void)
{
	FILE *file = popen("cat >file; exit 4", "w");
	say("fd %d flags %d", fileno(file), fcntl(fileno(file), F_GETFD));
	fputs("hello\n", file);
	say(" read %d", fgetc(file));
	say_close(file);
	say_file("file");
	say_descriptors();
}

static void modes(void)
{
	static const char *const modes[] = {"re", "we", "er", "rr", "ree", "rw", "", "x", "r+", "rb", "e"};
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		errno = 0;
		FILE *file = popen("exit 1", modes[i]);
		say(" %s:%d errno %d", modes[i], file ? fcntl(fileno(file), F_GETFD) : -1, file ? 0 : errno);
		if (file)
			say_close(file);
	}
}

static void sees(void)
{
	char command[512];
	int fd = open("/dev/null", O_RDONLY);
	dup2(fd, 40);
	signal(SIGPIPE, SIG_IGN);
	snprintf(command, sizeof command, "tr '\\0' ' ' </proc/$$/cmdline | cut -c1-9; exec '%s' show", self);
	FILE *file = popen(command, "r");
	say_all(file);
	say_close(file);
}

static void signalled(void)
{
	FILE *file = popen("kill -TERM $$", "r");
	say_all(file);
	say_close(file);
}

static void closed_before_the_end(void)
{
	FILE *file = popen("yes", "r");
	say("%d", fgetc(file));
	say_close(file);
}

static void nobody_reads(void)
{
	signal(SIGPIPE, SIG_IGN);
	FILE *file = popen("exec <&-; exit 0", "w");
	char text[100000];
	memset(text, 'a', sizeof text);
	say("%d", fwrite(text, 1, sizeof text, file) == sizeof text);
	say_close(file);
	file = popen("exit 0", "w");
	setvbuf(file, NULL, _IOFBF, 65536);
	fputs("kept until the end", file);
	/* Until the command is gone, and nobody can read. */
	siginfo_t info;
	waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
	say_close(file);
	say_descriptors();
}

static void by_fclose(void)
{
	FILE *file = popen("exit 5", "r");
	say("%d", fclose(file));
	say(" children %d", waitpid(-1, NULL, WNOHANG));
	file = popen("cat >file", "w");
	fputs("text", file);
	say(" %d", fclose(file));
	say_file("file");
}

static void other_files(void)
{
	FILE *stream = popen("exit 6", "r"), *file = fopen("/dev/null", "r"), *null = fopen("/dev/null", "w");
	say("%d %d", pclose(file), fclose(null));
	say_close(stream);
	file = fopen("/dev/null", "r");
	say(" %d", pclose(file));
}

static void earlier_streams_are_closed(void)
{
	char command[512];
	FILE *first = popen("cat", "w"), *second = popen("exec sleep 100", "r"), *third = popen("true", "re");
	snprintf(command, sizeof command, "exec '%s' show", self);
	FILE *file = popen(command, "r");
	say_all(file);
	say_close(file);
	/* cat ends only if nobody else has its pipe. */
	FILE *last = popen("cat >/dev/null", "w");
	say_close(first);
	say_close(last);
	say_close(third);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	say_close(second);
}

static void stolen(void)
{
	FILE *file = popen("exit 7", "r");
	int status;
	say("%d", waitpid(-1, &status, 0) > 0);
	say_close(file);
	signal(SIGCHLD, SIG_IGN);
	file = popen("exit 7", "r");
	say_close(file);
}

static void descriptor_closed(void)
{
	FILE *file = popen("exit 8", "r");
	close(fileno(file));
	say_close(file);
	say(" %d", wait(NULL) > 0); /* it was not waited for */
}

static void without_standard_descriptors(void)
{
	close(0);
	FILE *file = popen("echo hello", "r");
	say("fd %d", fileno(file));
	say_all(file);
	say_close(file);
	file = popen("cat >file", "w");
	say(" fd %d", fileno(file));
	fputs("text", file);
	say_close(file);
	say_file("file");
	close(1);
	close(2);
	file = popen("echo hello", "r");
	say(" fd %d", fileno(file));
	FILE *other = popen("cat >file", "w"); /* whose 0 is not that of the other stream */
	say(" fd %d", fileno(other));
	fputs("more", other);
	say_close(other);
	say_file("file");
	say_all(file);
	say_close(file);
	say_descriptors();
}

static void many(void)
{
	FILE *files[50];
	char text[64];
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof text, "exit %d", i);
		files[i] = popen(text, i % 2 ? "r" : "we");
	}
	for (int i = 49; i >= 0; i -= 2)
		say(" %d", pclose(files[i]) >> 8);
	for (int i = 0; i < 50; i += 2)
		say(" %d", pclose(files[i]) >> 8);
	say_descriptors();
}

static void *call_often(void *result)
{
	for (int i = 0; i < 10; i++) {
		FILE *file = popen("cat >/dev/null; exit 3", "w");
		if (!file || fputs("text", file) < 0 || pclose(file) != 3 << 8)
			*(int *)result = 1;
	}
	return NULL;
}

/* Where a child of one thread keeps the pipe of another one open, that one's command never ends. */
static void from_threads(void)
{
	pthread_t threads[4];
	int wrong[4] = {0};
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, call_often, &wrong[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	say("wrong %d", wrong[0] + wrong[1] + wrong[2] + wrong[3]);
	say_descriptors();
}

static void in_a_forked_copy(void)
{
	FILE *file = popen("exit 9", "r");
	pid_t copy = fork();
	if (copy == 0) {
		say_close(file); /* not its child */
		file = popen("exit 10", "r");
		say_close(file);
		_exit(0);
	}
	say(" %d", waitpid(copy, NULL, 0) == copy);
	say_close(file);
}

static void without_shell(void)
{
	if (chroot(".")) {
		say("without root");
		return;
	}
	errno = 0;
	say("%d", popen("exit 0", "r") == NULL);
	say(" errno %d", errno);
	say_descriptors();
}

static void without_descriptors(void)
{
	struct rlimit limit = {201, 201};
	setrlimit(RLIMIT_NOFILE, &limit);
	int last = -1, fd;
	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		last = fd;
	say("%d", popen("exit 0", "r") == NULL);
	say(" errno %d", errno);
	close(last);
	say(" %d", popen("exit 0", "r") == NULL);
	say(" errno %d", errno);
	close(last - 1);
	FILE *file = popen("exit 11", "r");
	say(" %d", file != NULL);
	say_close(file);
}

const struct test_case popen_cases[] = {
	{"popen: reads", reads, "afork", NULL},
	{"popen: writes", writes, "afork", NULL},
	{"popen: modes", modes, "afork:5", NULL},
	{"popen: what the command sees", sees, "afork", NULL},
	{"popen: signalled", signalled, "afork", NULL},
	{"popen: closed before the end", closed_before_the_end, "afork", NULL},
	{"popen: nobody reads", nobody_reads, "afork:2", NULL},
	{"popen: by fclose", by_fclose, "afork:2", NULL},
	{"popen: other files", other_files, "afork", NULL},
	{"popen: earlier streams are closed", earlier_streams_are_closed, "afork:5", NULL},
	{"popen: stolen", stolen, "afork:2", NULL},
	{"popen: descriptor closed", descriptor_closed, "afork", NULL},
	{"popen: without standard descriptors", without_standard_descriptors, "afork:4", NULL},
	{"popen: many", many, "afork:50", NULL},
	{"popen: from threads", from_threads, "afork:40", NULL},
	{"popen: in a forked copy", in_a_forked_copy, "afork:2", NULL},
	{"popen: without a shell", without_shell, "answered", NULL},
	{"popen: without descriptors", without_descriptors, "program", NULL},
	{NULL, NULL, NULL, NULL},
};
