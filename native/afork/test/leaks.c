/* SPDX-License-Identifier: MIT */
/*
 * Many spawns leave no memory, descriptor, thread or zombie. 3,000 of them, eight in flight; AFORK_TEST_SPAWNS=100000
 * for more.
 */
#include "test.h"
#include <dirent.h>
#include <malloc.h>

enum {
	IN_FLIGHT = 8
};

static unsigned entries(const char *path)
{
	unsigned count = 0;
	DIR *directory = opendir(path);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static size_t allocated(void)
{
#ifdef __GLIBC__
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

static unsigned mappings(void)
{
	unsigned lines = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	static char text[1 << 16];
	for (ssize_t size; (size = read(fd, text, sizeof text)) > 0;)
		for (ssize_t i = 0; i < size; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

static struct afork_job *start_one(unsigned number)
{
	const struct afork_action action = {.type = AFORK_OPEN, .fd = 0, .path = "/dev/null", .flags = O_RDONLY};
	struct afork_options options = OPTIONS(.file = number % 4 ? "/bin/true" : "/nowhere", .actions = &action,
					       .action_count = 1, .flags = number % 3 ? 0 : AFORK_DOORBELL);
	return start(&options);
}

static void finish_one(struct afork_job *job, unsigned number)
{
	int status = -1;
	enum afork_mechanism mechanism = afork_job_mechanism(job);
	check_equal(afork_job_wait(job, &status, 0), 0);
	check_equal(exit_code(status), number % 4 ? 0 : 127);
	check_equal(afork_job_state(job, NULL), number % 4 ? AFORK_STARTED : AFORK_FAILED);
	check_equal(mechanism, expected_mechanism());
	afork_job_free(job);
}

static void spawn_many(unsigned count)
{
	struct afork_job *jobs[IN_FLIGHT] = {NULL};
	for (unsigned number = 0; number < count + IN_FLIGHT; number++) {
		struct afork_job **job = &jobs[number % IN_FLIGHT];
		if (*job)
			finish_one(*job, number - IN_FLIGHT);
		*job = number < count ? start_one(number) : NULL;
	}
	for (int i = 0; i < IN_FLIGHT; i++)
		slots_reclaim();
}

static void nothing_is_left(void)
{
	const char *count = getenv("AFORK_TEST_SPAWNS");
	unsigned few = under_valgrind() || expected_mechanism() == AFORK_FORK ? 200 : 3000;
	spawn_many(100);
	size_t bytes = allocated();
	unsigned fds = entries("/proc/self/fd"), threads = entries("/proc/self/task"), maps = mappings(), idle,
		 occupied;
	spawn_many(count ? (unsigned)atoi(count) : few);
	check_equal(entries("/proc/self/fd"), fds);
	check_equal(entries("/proc/self/task"), threads);
	check_equal(waitpid(-1, NULL, 0), -1);
	check_equal(allocated(), bytes);
	check(mappings() <= maps + 2 * IN_FLIGHT, "(%u, not %u)", mappings(), maps);
	slots_count(&idle, &occupied);
	check_equal(occupied, 0);
	check(idle <= IN_FLIGHT + 1, "(%u)", idle);
}

static int execute_true(void *unused)
{
	(void)unused;
	execl("/bin/true", "true", (char *)NULL);
	return 127;
}

static void nothing_is_left_by_afork_but_parked_threads(void)
{
	unsigned fds = entries("/proc/self/fd"), threads = entries("/proc/self/task");
	for (int i = 0; i < (under_valgrind() ? 20 : 500); i++) {
		int status = -1;
		pid_t pid = aforkx(i % 2 ? FORK_WAITPID : 0, execute_true, NULL);
		check_equal(i % 2 ? afork_waitpid(pid, &status, 0) : waitpid(pid, &status, 0), pid);
		check_equal(status, 0);
	}
	check_equal(entries("/proc/self/fd"), fds);
	check(entries("/proc/self/task") <= threads + 8);
	check_equal(waitpid(-1, NULL, 0), -1);
}

int main(void)
{
	run("spawns leave nothing", nothing_is_left);
	run("afork() leaves nothing but parked threads", nothing_is_left_by_afork_but_parked_threads);
	return done();
}
