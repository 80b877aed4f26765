/* SPDX-License-Identifier: MIT */
/* system(). */
#include "contract.h"

static void say_system(const char *command)
{
	errno = 0;
	int status = system(command);
	say(" status %#x errno %d", (unsigned)status, status == -1 ? errno : 0);
}

static void statuses(void)
{
	say_system("exit 0");
	say_system("exit 77");
	say_system("kill -9 $$");
	say_system("no-such-command 2>&-");
	say_system("");
	say_system(NULL);
	say_system("echo written > file");
	say_file("file");
}

static void dash_first(void)
{
	int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	dup2(fd, 2);
	say_system("-x");
	say_system("+x");
	say_file("file");
}

static void what_the_command_sees(void)
{
	char command[512];
	snprintf(command, sizeof command, "tr '\\0' ' ' </proc/$$/cmdline >seen; '%s' show >>seen", self);
	say_system(command);
	say_file("seen");
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say_system(command);
	say_file("seen");
	say_signals();
	say_descriptors();
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
	handled = handled * 100 + number;
}

/* The keys are ignored, the child's death waits until system() returns, other signals are handled meanwhile. */
static void signals_while_it_waits(void)
{
	signal(SIGINT, handler);
	signal(SIGQUIT, handler);
	signal(SIGUSR1, handler);
	say_system("kill -INT $PPID; kill -QUIT $PPID; kill -USR1 $PPID");
	say(" handled %d", (int)handled);
	kill(getpid(), SIGINT);
	say(" handled %d", (int)handled);
	say_signals();
}

static void signals_of_the_waiting_process(void)
{
	signal(SIGINT, handler);
	/* For a moment after the spawn all signals are blocked, in glibc's as in ours. */
	say_system("while grep -q 'SigBlk:.f' /proc/$PPID/status; do :; done;"
		   "grep -E 'Sig(Blk|Ign|Cgt)' /proc/$PPID/status | tr '\\n' ' ' >seen");
	say_file("seen");
	say_signals();
}

static volatile sig_atomic_t children;

static void child_handler(int number)
{
	(void)number;
	children++;
}

static void child_handler_that_reaps(int number)
{
	(void)number;
	int kept = errno;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		children++;
	errno = kept;
}

static void with_child_handler(void)
{
	signal(SIGCHLD, child_handler);
	say_system("exit 5");
	say(" %d", (int)children);
	children = 0;
	signal(SIGCHLD, child_handler_that_reaps);
	say_system("exit 5");
	say(" %d", (int)children);
}

static void with_children_ignored(void)
{
	signal(SIGCHLD, SIG_IGN);
	say_system("exit 5");
	say_system(NULL);
}

static void stopped_and_continued(void)
{
	/* Again and again, because the first may come before it has stopped. */
	say_system("(while sleep 0.1; do kill -CONT $$ || exit; done) 2>/dev/null & kill -STOP $$; exit 6");
}

/* --- threads --- */

static void *call_often(void *result)
{
	for (int i = 0; i < 10; i++)
		if (system("exit 9") != 9 << 8)
			*(int *)result = 1;
	return NULL;
}

static void from_threads(void)
{
	pthread_t threads[4];
	int wrong[4] = {0};
	signal(SIGINT, handler);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, call_often, &wrong[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	say("wrong %d", wrong[0] + wrong[1] + wrong[2] + wrong[3]);
	struct sigaction action;
	sigaction(SIGINT, NULL, &action);
	say(" handler kept %d", action.sa_handler == handler);
	say_signals();
}

static void *call_until_told(void *unused)
{
	(void)unused;
	system("read line <pipe");
	return NULL;
}

/* The keys stay ignored until the last one is back. */
static void from_two_threads(void)
{
	pthread_t thread;
	struct sigaction action;
	mkfifo("pipe", 0600);
	signal(SIGINT, handler);
	pthread_create(&thread, NULL, call_until_told, NULL);
	int fd = open("pipe", O_WRONLY | O_CLOEXEC); /* the other one's command has begun */
	say_system("exit 0");
	sigaction(SIGINT, NULL, &action);
	say(" ignored %d", action.sa_handler == SIG_IGN);
	close(fd);
	pthread_join(thread, NULL);
	sigaction(SIGINT, NULL, &action);
	say(" handler %d", action.sa_handler == handler);
}

static void *call_for_long(void *unused)
{
	(void)unused;
	system("echo $$ >pid; exec sleep 100");
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;
	struct stat file;
	signal(SIGINT, handler);
	pthread_create(&thread, NULL, call_for_long, NULL);
	while (stat("pid", &file) || file.st_size == 0)
		usleep(1000);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	struct sigaction action;
	sigaction(SIGINT, NULL, &action);
	/* The command is dead, and has been waited for. */
	say("cancelled %d handler kept %d children %d", result == PTHREAD_CANCELED, action.sa_handler == handler,
	    waitpid(-1, NULL, WNOHANG));
	say_system("exit 3");
}

/* --- failures --- */

static void without_shell(void)
{
	if (chroot(".")) {
		say("without root");
		return;
	}
	say_system("exit 0");
	say_system(NULL);
	say_signals();
}

static void without_processes(void)
{
	struct rlimit limit = {0, 0};
	if (!be_nobody())
		return;
	setrlimit(RLIMIT_NPROC, &limit);
	say_system("exit 0");
	say_signals();
}

const struct test_case system_cases[] = {
	{"system: statuses", statuses, "afork:7", NULL},
	{"system: dash first", dash_first, "afork:2", NULL},
	{"system: what the command sees", what_the_command_sees, "afork:2", NULL},
	{"system: signals while it waits", signals_while_it_waits, "afork", NULL},
	{"system: signals of the waiting process", signals_of_the_waiting_process, "afork", NULL},
	{"system: with a handler for children", with_child_handler, "afork:2", NULL},
	{"system: with children ignored", with_children_ignored, "afork:2", NULL},
	{"system: stopped and continued", stopped_and_continued, "afork", NULL},
	{"system: from threads", from_threads, "afork:40", NULL},
	{"system: from two threads", from_two_threads, "afork:2", NULL},
	{"system: cancelled", cancelled, NULL, NULL},
	{"system: without a shell", without_shell, "failed:2", NULL},
	{"system: without processes", without_processes, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};
