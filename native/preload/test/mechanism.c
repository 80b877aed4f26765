/* SPDX-License-Identifier: MIT */
/*
 * What the table of the contract cannot show: what the kernel sees of a call, that nobody waits for the exec, and that
 * glibc is asked wherever afork would be unsafe or a look cannot tell. Each test is this program run again, with the
 * library in front, and its own counters.
 */
#include "../preload.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/landlock.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum {
	SKIPPED = 77,
};

static uint64_t *counts;

/* Ends the test: a failed check is a failed program. */
#define check(condition)                                                                                               \
	((condition) ? (void)0 : (printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition), exit(1)))

static int spawn_file(const char *file, pid_t *pid)
{
	const char *const argv[] = {file, NULL};
	return posix_spawn(pid, file, NULL, NULL, (char *const *)argv, environ);
}

/* The status as of waitpid(), or minus the error. */
static int run_file(const char *file)
{
	pid_t pid;
	int status, error = spawn_file(file, &pid);
	if (error)
		return -error;
	check(waitpid(pid, &status, 0) == pid);
	return status;
}

static void copy_true(const char *path)
{
	char command[256];
	snprintf(command, sizeof command, "cp /bin/true %s", path);
	check(system(command) == 0);
}

/* --- what the kernel sees --- */

static void call_posix_spawn(void)
{
	check(run_file("/bin/true") == 0);
}

static void call_posix_spawnp(void)
{
	const char *const argv[] = {"true", NULL};
	pid_t pid;
	check(posix_spawnp(&pid, "true", NULL, NULL, (char *const *)argv, environ) == 0 &&
	      waitpid(pid, NULL, 0) == pid);
}

static void call_system(void)
{
	check(system("exit 0") == 0);
}

static void call_popen(void)
{
	FILE *file = popen("exit 0", "r");
	check(file && pclose(file) == 0);
}

static int shares_memory(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

/* Lets the new child go, and tells how it came to be. Without CLONE_VFORK, the parent is back before the child leaves. */
static char kind_of_child(pid_t parent, int event)
{
	unsigned long child;
	int status;
	ptrace(PTRACE_GETEVENTMSG, parent, 0, &child);
	char kind = event == PTRACE_EVENT_VFORK ? 'v' : shares_memory(parent, (pid_t)child) ? 'a' : 'f';
	waitpid((pid_t)child, &status, __WALL);
	ptrace(PTRACE_DETACH, child, 0, 0);
	return kind;
}

/* The kinds of children that one call has, as a tracer sees them: f fork, v vfork, a afork. */
static void trace_call(void (*call)(void), char *kinds)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		call();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0,
	       PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
	for (int number = 0;; number = 0) {
		ptrace(PTRACE_CONT, pid, 0, number);
		waitpid(pid, &status, __WALL);
		if (!WIFSTOPPED(status))
			break;
		if (status >> 16)
			*kinds++ = kind_of_child(pid, status >> 16);
		else
			number = WSTOPSIG(status);
	}
	*kinds = 0;
	check(status == 0);
}

static void the_kernel_sees_afork(void)
{
	void (*const calls[])(void) = {call_posix_spawn, call_posix_spawnp, call_system, call_popen};
	if (!shares_memory(getpid(), getpid()))
		exit(SKIPPED);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		char kinds[64];
		trace_call(calls[i], kinds);
		check(!strcmp(kinds, counts ? "a" : "v"));
	}
	check(!counts || counts[WAY_AFORK] == 4);
}

/* --- nobody waits --- */

/* A guard of exec, as an antivirus is. Without privilege there is none. */
static int guard_exec_of(const char *file)
{
	int guard = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	if (guard < 0 || fanotify_mark(guard, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, file))
		exit(SKIPPED);
	return guard;
}

static void let_pass(int guard)
{
	struct fanotify_event_metadata event;
	check(read(guard, &event, sizeof event) == sizeof event);
	struct fanotify_response response = {event.fd, FAN_ALLOW};
	check(write(guard, &response, sizeof response) == sizeof response);
	close(event.fd);
}

/* By one thread: if a call waited for the exec, nobody would let it pass. */
static void exec_is_not_waited_for(void)
{
	pid_t pid;
	int status;
	copy_true("program");
	int guard = guard_exec_of("program");
	for (int i = 0; i < 3; i++) {
		check(spawn_file("./program", &pid) == 0);
		let_pass(guard);
		check(waitpid(pid, &status, 0) == pid && status == 0);
	}
	check(counts[WAY_AFORK] == 3 + 1 && counts[WAY_LATE] == 0);
}

static void *let_pass_later(void *guard)
{
	usleep(50000);
	let_pass(*(int *)guard);
	return NULL;
}

/*
 * The program is written while a child that has a copy of its descriptor waits for its exec; then it is executed. The
 * copy must be gone by then, or the program is busy. It would be without us.
 */
static void in_flight_children_keep_nothing_busy(void)
{
	pthread_t thread;
	pid_t pid;
	const char *old = "/usr/bin/tsort"; /* which nobody uses just now */
	copy_true("program");
	int guard = guard_exec_of(old), fd = open("program", O_RDWR | O_CLOEXEC);
	check(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0) == 0);
	check(spawn_file(old, &pid) == 0);
	check(write(fd, "\177ELF", 4) == 4);
	close(fd);
	pthread_create(&thread, NULL, let_pass_later, &guard);
	check(run_file("./program") == 0);
	pthread_join(thread, NULL);
	check(waitpid(pid, NULL, 0) == pid);
	check(counts[WAY_AFORK] == 2 && counts[WAY_FRESH] == 1);
}

/* --- where a look cannot tell --- */

/* Somebody has it open for writing: that no look can see. It is told too late once, and then never again. */
static void late_failure_is_learnt(void)
{
	copy_true("busy");
	copy_true("other");
	int fd = open("busy", O_WRONLY | O_CLOEXEC);
	check(run_file("./busy") == 127 << 8);
	check(run_file("./busy") == -ETXTBSY);
	check(run_file("./busy") == -ETXTBSY);
	check(run_file("./other") == 0);
	close(fd);
	check(run_file("./busy") == 0);
	check(counts[WAY_LATE] == 1 && counts[WAY_DISTRUST] == 3);
}

static void changed_program_is_looked_at_again(void)
{
	char command[] = "printf nothing >program";
	copy_true("program");
	check(run_file("./program") == 0);
	check(system(command) == 0);
	check(run_file("./program") == -ENOEXEC);
	copy_true("program");
	check(run_file("./program") == 0);
	check(counts[WAY_PROGRAM] == 1 && counts[WAY_LATE] == 0);
}

/* Under a policy, each program is glibc's until it was seen to run. */
static void sandboxed(void)
{
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	for (int i = 0; i < 3; i++)
		check(run_file("/bin/true") == 0);
	check(counts[WAY_POLICY] == 1 && counts[WAY_AFORK] == 2);
}

/* And where the policy forbids it, which permissions do not show, the error is there at once. */
static void forbidden(void)
{
	struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
	check(run_file("/bin/true") == 0);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	long rules = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (rules < 0 || syscall(SYS_landlock_restrict_self, rules, 0))
		exit(SKIPPED);
	for (int i = 0; i < 3; i++)
		check(run_file("/bin/true") == -EACCES);
	check(counts[WAY_POLICY] == 3 && counts[WAY_LATE] == 0);
}

/* --- where afork is not for this process --- */

static void operator_forbids(void)
{
	call_posix_spawn();
	call_posix_spawnp();
	call_system();
	call_popen();
	check(counts[WAY_PROCESS] == 4);
}

/* The library of this name stands behind ours, and has to see every call. */
static void another_library_interposes(void)
{
	check(run_file("/bin/true") == 0 && run_file("/bin/true") == 0);
	check(counts[WAY_PROCESS] == 2);
	check(getenv("OTHER_WAS_CALLED") && !strcmp(getenv("OTHER_WAS_CALLED"), "yes"));
}

/* --- one after another --- */

static const struct test {
	const char *name;
	void (*run)(void);
	const char *library; /* "": ours; NULL: none; else ours and this one */
	const char *variable, *value;
} tests[] = {
	{"without the library, the kernel sees vfork", the_kernel_sees_afork, NULL, NULL, NULL},
	{"with it, afork", the_kernel_sees_afork, "", NULL, NULL},
	{"the exec is not waited for", exec_is_not_waited_for, "", "AFORK_PRELOAD_FRESH", "0"},
	{"children in flight keep nothing busy", in_flight_children_keep_nothing_busy, "", NULL, NULL},
	{"a late failure is learnt", late_failure_is_learnt, "", "AFORK_PRELOAD_FRESH", "0"},
	{"a changed program is looked at again", changed_program_is_looked_at_again, "", "AFORK_PRELOAD_FRESH", "0"},
	{"sandboxed", sandboxed, "", NULL, NULL},
	{"forbidden", forbidden, "", NULL, NULL},
	{"the operator forbids", operator_forbids, "", "AFORK_MECHANISM", "vfork"},
	{"another library interposes", another_library_interposes, "libother-preload.so", NULL, NULL},
};

static int run_as(const struct test *test)
{
	char *file = getenv("AFORK_PRELOAD_STATS");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0)
		counts = mmap(NULL, WAY_COUNT * sizeof *counts, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	/* For this process, and not for what it starts. */
	unsetenv("LD_PRELOAD");
	unsetenv("AFORK_PRELOAD_STATS");
	alarm(60);
	test->run();
	return 0;
}

static void set_up(const struct test *test, const char *build)
{
	char value[4096];
	if (test->library) {
		snprintf(value, sizeof value, "%s/libafork-preload.so", build);
		if (*test->library) {
			size_t used = strlen(value);
			snprintf(value + used, sizeof value - used, ":%s/test/%s", build, test->library);
		}
		setenv("LD_PRELOAD", value, 1);
		setenv("AFORK_PRELOAD_STATS", "stats", 1);
	}
	if (test->variable)
		setenv(test->variable, test->value, 1);
}

static int run_again(int index, const char *build)
{
	char directory[] = "/tmp/afork-preload.XXXXXX", number[16], command[64];
	int status = 1;
	check(mkdtemp(directory));
	snprintf(number, sizeof number, "%d", index);
	char *self = realpath("/proc/self/exe", NULL);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		check(chdir(directory) == 0);
		set_up(&tests[index], build);
		execl(self, self, number, NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	check(system(command) == 0);
	free(self);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	int failed = 0, count = (int)(sizeof tests / sizeof *tests);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		return run_as(&tests[atoi(argv[1])]);
	char *build = realpath("native/preload/build", NULL);
	for (int i = 0; i < count; i++) {
		int result = run_again(i, build);
		printf("%s %d - %s%s\n", result == 0 || result == SKIPPED ? "ok" : "not ok", i + 1, tests[i].name,
		       result == SKIPPED ? " # SKIP this kernel or user cannot" : "");
		failed += result != 0 && result != SKIPPED;
	}
	printf("1..%d\n", count);
	free(build);
	return failed > 0;
}
