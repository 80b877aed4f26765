/* SPDX-License-Identifier: MIT */
/* 64 threads that spawn, allocate, and are signalled, all at once. */
#include "test.h"
#include <pthread.h>

enum {
	THREADS = 64
};

static int spawns = 20;

static pid_t parent;
static int handled_here, handled_in_child, wrong;
static bool over;
static pthread_t threads[THREADS];
static pthread_barrier_t all_have_worked, nobody_signals;

static void count(int number)
{
	(void)number;
	int *counter = (pid_t)raw(SYS_getpid) == parent ? &handled_here : &handled_in_child;
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void expect(bool so)
{
	if (!so)
		__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static int execute_true(void *unused)
{
	(void)unused;
	execl("/bin/true", "true", (char *)NULL);
	return 127;
}

/* Fills blocks while children are made, and looks whether they kept what they were given. */
static void allocate_and_check(unsigned char mark)
{
	unsigned char *blocks[8];
	for (size_t i = 0; i < 8; i++)
		blocks[i] = memset(malloc(100 << i), mark, 100 << i);
	for (size_t i = 0; i < 8; i++) {
		for (size_t byte = 0; byte < 100u << i; byte++)
			expect(blocks[i][byte] == mark);
		free(blocks[i]);
	}
}

static void spawn_program(bool fails)
{
	struct afork_options options = OPTIONS(.file = fails ? "/nowhere" : "/bin/true", .flags = AFORK_DOORBELL);
	struct afork_job *job;
	int status = -1, error;
	expect(afork_spawn(&job, &options) == 0);
	expect(afork_job_mechanism(job) == expected_mechanism());
	while ((error = afork_job_wait(job, &status, 0)) == EINTR)
		;
	expect(error == 0 && exit_code(status) == (fails ? 127 : 0));
	afork_job_free(job);
}

static void spawn_function(void)
{
	int status = -1;
	pid_t pid = afork(execute_true, NULL), result;
	while ((result = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	expect(pid > 0 && result == pid && status == 0);
}

static void *work(void *number)
{
	unsigned char mark = (unsigned char)(intptr_t)number;
	for (int i = 0; i < spawns || !__atomic_load_n(&handled_here, __ATOMIC_RELAXED); i++) {
		allocate_and_check(mark);
		if (i % 4 == 3)
			spawn_function();
		else
			spawn_program(i % 4 == 2);
		allocate_and_check(mark);
	}
	pthread_barrier_wait(&all_have_worked);
	pthread_barrier_wait(&nobody_signals);
	return NULL;
}

static void *signal_all(void *unused)
{
	const struct timespec pause = {.tv_nsec = 200000};
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		kill(0, SIGUSR2); /* children too */
		for (int i = 0; i < THREADS; i += 8)
			pthread_kill(threads[i], SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return unused;
}

static void everything_at_once(void)
{
	pthread_t signaller;
	pthread_barrier_init(&all_have_worked, NULL, THREADS + 1);
	pthread_barrier_init(&nobody_signals, NULL, THREADS + 1);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	pthread_create(&signaller, NULL, signal_all, NULL);
	pthread_barrier_wait(&all_have_worked);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	pthread_join(signaller, NULL);
	pthread_barrier_wait(&nobody_signals);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check_equal(wrong, 0);
	check_equal(handled_in_child, 0);
	check_equal(waitpid(-1, NULL, 0), -1);
}

int main(void)
{
	struct sigaction action = {.sa_handler = count};
	parent = getpid();
	if (under_valgrind())
		spawns = 1;
	setpgid(0, 0);
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGUSR2, SIG_IGN); /* ignored in programs too; else they would die of it, rightly */
	run("64 threads spawn, allocate and are signalled", everything_at_once);
	return done();
}
