/* SPDX-License-Identifier: MIT */
/*
 * close_range(n, ~0, CLOSE_RANGE_UNSHARE) copies what is below n, and at least 64 descriptors. So what a child is given
 * should have low numbers, also in a process with thousands of connections, in which every low number has long been
 * taken. A few are reserved as early as the program likes, and kept.
 *
 * Each reserved number is an end of one pipe, which nobody else has: so it can be seen whether a number is still ours.
 * Code that closes all descriptors in sight may have given it to somebody else.
 */
#define _GNU_SOURCE
#include "hold.h"
#include "forks.h"
#include "signals.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PLACES = 8,
	COPIED_ANYWAY = 64, /* the kernel copies whole words of its bit map */
};

static struct {
	pthread_mutex_t lock;
	int places[PLACES], spare; /* spare: the end that a place becomes again */
	bool reserved, lent[PLACES];
	dev_t device;
	ino_t inode;
} lot = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_ours(int fd)
{
	struct stat file;
	return fstat(fd, &file) == 0 && file.st_dev == lot.device && file.st_ino == lot.inode;
}

/* With the lock held. */
static void reserve(void)
{
	int ends[2];
	struct stat file;
	if (raw(SYS_pipe2, ends, O_CLOEXEC) < 0)
		return;
	raw(SYS_close, ends[1]);
	lot.spare = ends[0];
	if (fstat(lot.spare, &file))
		return;
	lot.device = file.st_dev;
	lot.inode = file.st_ino;
	for (int i = 0; i < PLACES; i++)
		lot.places[i] = (int)raw(SYS_fcntl, lot.spare, F_DUPFD_CLOEXEC, 3);
	lot.reserved = true;
}

void afork_reserve_fds(void)
{
	uint64_t mask = block_all_signals();
	pthread_mutex_lock(&lot.lock);
	if (!lot.reserved)
		reserve();
	pthread_mutex_unlock(&lot.lock);
	set_signal_mask(mask);
}

/* With the lock held. -1: none. */
static int find_place(void)
{
	for (int i = 0; lot.reserved && i < PLACES; i++)
		if (!lot.lent[i] && lot.places[i] >= 0 && is_ours(lot.places[i]) && is_ours(lot.spare))
			return i;
	return -1;
}

/* Moves a copy to a reserved number, if there is one. */
static int park(int copy)
{
	pthread_mutex_lock(&lot.lock);
	int place = find_place();
	long moved = place < 0 ? -1 : raw(SYS_dup3, copy, lot.places[place], O_CLOEXEC);
	if (moved >= 0)
		lot.lent[place] = true;
	pthread_mutex_unlock(&lot.lock);
	if (moved < 0)
		return copy;
	raw(SYS_close, copy);
	return (int)moved;
}

/* True: it was a reserved number, and is again. */
static bool unpark(int fd)
{
	bool parked = false;
	pthread_mutex_lock(&lot.lock);
	for (int i = 0; i < PLACES && !parked; i++) {
		parked = lot.lent[i] && lot.places[i] == fd;
		if (!parked)
			continue;
		lot.lent[i] = false;
		/* The spare end may have become somebody else's file. A copy of that would keep it open for ever. */
		if (!is_ours(lot.spare) || raw(SYS_dup3, lot.spare, fd, O_CLOEXEC) < 0)
			raw(SYS_close, fd);
	}
	pthread_mutex_unlock(&lot.lock);
	return parked;
}

int hold(struct afork_job *job, int fd)
{
	if (job->held_count == job->held_room) {
		unsigned room = job->held_room ? job->held_room * 2 : 8;
		int *held = malloc(room * sizeof *held);
		if (!held)
			return -ENOMEM;
		if (job->held)
			memcpy(held, job->held, job->held_count * sizeof *held);
		free(job->held);
		job->held = held;
		job->held_room = room;
	}
	long copy = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return (int)copy;
	int held = copy < COPIED_ANYWAY ? (int)copy : park((int)copy);
	job->held[job->held_count++] = held;
	return held;
}

void holds_release(struct afork_job *job)
{
	for (unsigned i = 0; i < job->held_count; i++)
		if (!unpark(job->held[i]))
			raw(SYS_close, job->held[i]);
	free(job->held);
	job->held = NULL;
	job->held_count = job->held_room = 0;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lot.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lot.lock);
}

__attribute__((constructor(FORKS_HOLDS))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}
