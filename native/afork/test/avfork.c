/* SPDX-License-Identifier: MIT */
/* avfork(): workers that come, go, and see the past. */
#include "test.h"
#include <glob.h>

static int gate[2];

static int wait_at_gate(void *unused)
{
	char byte;
	(void)unused;
	return read(gate[0], &byte, 1) == 1 ? 0 : 1;
}

static int execute_true(void *unused)
{
	(void)unused;
	execl("/bin/true", "true", (char *)NULL);
	return 127;
}

static int status_of(pid_t pid)
{
	int status = -1;
	check_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void wait_for_workers(unsigned count)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	for (int ms = 0; ms < 20000 && avfork_workers() != count; ms++)
		nanosleep(&pause, NULL);
	check_equal(avfork_workers(), count);
}

static void runs_a_function(void)
{
	pid_t pid = avfork(execute_true, NULL);
	check(pid > 0);
	check_equal(afork_last_mechanism(), AFORK_WORKER);
	check_equal(status_of(pid), 0);
	check_equal(avfork_workers(), 1);
}

/* Five are at work at once; none of them, once free, is kept beyond its patience but the minimum. */
static void grows_and_shrinks(void)
{
	pid_t pids[5];
	check_equal(avfork_configure(1, 5, 50), 0);
	check_equal(pipe2(gate, O_CLOEXEC), 0);
	avfork_stop(); /* the idle ones do not know the gate */
	for (int i = 0; i < 5; i++)
		pids[i] = avfork(wait_at_gate, NULL);
	check_equal(avfork_workers(), 5);
	check_equal(write(gate[1], "xxxxx", 5), 5);
	for (int i = 0; i < 5; i++)
		check_equal(status_of(pids[i]), 0);
	wait_for_workers(1);
	close(gate[0]);
	close(gate[1]);
}

static void minimum_is_there_beforehand(void)
{
	check_equal(avfork_configure(3, 5, 50), 0);
	check_equal(avfork_workers(), 3);
	for (int i = 0; i < 20; i++)
		check_equal(status_of(avfork(execute_true, NULL)), 0);
	wait_for_workers(3); /* a fourth is made if none of the three got a CPU in time to be ready again */
}

static void stops_cleanly(void)
{
	avfork_stop();
	check_equal(avfork_workers(), 0);
	check_equal(waitpid(-1, NULL, 0), -1); /* no zombie, no child */
	check_equal(errno, ECHILD);
	check_equal(status_of(avfork(execute_true, NULL)), 0); /* and starts again */
	avfork_stop();
}

/* --- the stale view --- */

static int has_descriptor(void *fd)
{
	return fcntl((int)(intptr_t)fd, F_GETFD) >= 0;
}

static int is_in_root(void *unused)
{
	char directory[4096];
	(void)unused;
	return getcwd(directory, sizeof directory) && !strcmp(directory, "/");
}

static int has_user(void *user)
{
	return geteuid() == (uid_t)(intptr_t)user;
}

/* A child that exists has its copies: it got them at birth. The kernel lists children by the thread that made them. */
static void wait_for_idle_child(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	for (size_t size = 0; size == 0; nanosleep(&pause, NULL)) {
		glob_t lists;
		check_equal(glob("/proc/self/task/*/children", GLOB_NOSORT, NULL, &lists), 0);
		for (size_t i = 0; i < lists.gl_pathc; i++) {
			int fd = open(lists.gl_pathv[i], O_RDONLY | O_CLOEXEC);
			size += fd >= 0 ? strlen(read_all(fd)) : 0;
			close(fd);
		}
		globfree(&lists);
	}
}

static int in_worker(int (*function)(void *), long argument)
{
	int code = exit_code(status_of(avfork(function, (void *)(intptr_t)argument)));
	wait_for_idle_child();
	return code;
}

static void descriptors_are_of_the_past(void)
{
	int early = fcntl(0, F_DUPFD_CLOEXEC, 100);
	check_equal(avfork_configure(1, 1, 1000), 0);
	wait_for_idle_child();
	close(early);
	int late = fcntl(0, F_DUPFD_CLOEXEC, 200);
	check_equal(in_worker(has_descriptor, early), 1); /* closed since */
	check_equal(in_worker(has_descriptor, early), 0); /* the next one is younger */
	check_equal(in_worker(has_descriptor, late), 1);
	close(late);
	late = fcntl(0, F_DUPFD_CLOEXEC, 300);
	check_equal(in_worker(has_descriptor, late), 0); /* opened since */
	close(late);
}

static void directory_is_of_the_past(void)
{
	int home = open(".", O_PATH | O_CLOEXEC);
	wait_for_idle_child();
	check_equal(chdir("/"), 0);
	check_equal(in_worker(is_in_root, 0), 0);
	check_equal(in_worker(is_in_root, 0), 1);
	check_equal(fchdir(home), 0);
	close(home);
}

/* Raw, so that only this thread changes: libc's seteuid() would wait for ever for the threads in vfork(). */
static void credentials_are_the_workers(void)
{
	wait_for_idle_child();
	check_equal(raw(SYS_setresuid, -1, 65534, -1), 0);
	check_equal(in_worker(has_user, 0), 1);
	check_equal(in_worker(has_user, 0), 1);
	check_equal(raw(SYS_setresuid, -1, 0, -1), 0);
}

static void after_a_stop_ids_can_be_changed(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		status_of(avfork(execute_true, NULL));
		avfork_stop();
		_exit(seteuid(65534) || status_of(avfork(execute_true, NULL)) ? 1 : 0);
	}
	check_equal(status_of(pid), 0);
}

/* --- trouble --- */

static pid_t idle_child(void)
{
	glob_t lists;
	pid_t pid = 0;
	wait_for_idle_child();
	glob("/proc/self/task/*/children", GLOB_NOSORT, NULL, &lists);
	for (size_t i = 0; i < lists.gl_pathc && !pid; i++) {
		int fd = open(lists.gl_pathv[i], O_RDONLY | O_CLOEXEC);
		pid = atoi(read_all(fd));
		close(fd);
	}
	globfree(&lists);
	return pid;
}

static void a_killed_worker_is_replaced(void)
{
	pid_t victim = idle_child();
	check_equal(kill(victim, SIGKILL), 0);
	check_equal(status_of(avfork(execute_true, NULL)), 0);
	check_equal(avfork_workers(), 1);
	check(idle_child() != victim);
}

/* The process ends; its idle child must not outlive it. */
static void children_end_with_the_process(void)
{
	int ends[2];
	check_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		avfork_configure(2, 2, 1000);
		_exit(status_of(avfork(execute_true, NULL)) == 0 && avfork_workers() == 2 ? 0 : 1);
	}
	close(ends[1]);
	check_equal(status_of(pid), 0);
	struct pollfd all_gone = {.fd = ends[0], .events = POLLIN};
	check_equal(poll(&all_gone, 1, 20000), 1); /* hangs up when the last copy of the other end is closed */
	close(ends[0]);
}

static void nonsense_is_refused(void)
{
	check_equal(avfork_configure(2, 1, 0), -1);
	check_equal(errno, EINVAL);
	check_equal(avfork_configure(0, 0, 0), -1);
	check_equal(errno, EINVAL);
}

int main(void)
{
	if (!mechanism_possible(AFORK_VFORK) || instrumented()) {
		skip("avfork", "memory is not shared here");
		return done();
	}
	run("runs a function", runs_a_function);
	run("grows and shrinks", grows_and_shrinks);
	run("the minimum is there beforehand", minimum_is_there_beforehand);
	run("stops cleanly", stops_cleanly);
	if (access("/proc/thread-self/children", F_OK) == 0) {
		run("descriptors are of the past", descriptors_are_of_the_past);
		run("the directory is of the past", directory_is_of_the_past);
		if (geteuid() == 0)
			run("credentials are the worker's", credentials_are_the_workers);
		run("a killed worker is replaced", a_killed_worker_is_replaced);
	}
	run("children end with the process", children_end_with_the_process);
	if (geteuid() == 0)
		run("after a stop ids can be changed", after_a_stop_ids_can_be_changed);
	run("nonsense is refused", nonsense_is_refused);
	avfork_stop();
	check_equal(waitpid(-1, NULL, 0), -1);
	return done() || this_failed;
}
