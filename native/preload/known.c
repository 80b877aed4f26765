/* SPDX-License-Identifier: MIT */
/* A table of programs that this process has looked at. A place has one program: a newer one takes it over. */
#include "preload.h"
#include <pthread.h>
#include <string.h>

enum {
	PLACES = 64,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct known table[PLACES];

struct identity identity_of(const struct stat *file)
{
	return (struct identity){file->st_dev, file->st_ino, file->st_ctim};
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static struct known *place_of(const struct identity *identity)
{
	return &table[(identity->inode ^ identity->inode >> 6 ^ identity->device) % PLACES];
}

bool known_find(const struct identity *identity, struct known *known)
{
	pthread_mutex_lock(&lock);
	const struct known *place = place_of(identity);
	bool found = place->identity.inode && identity_equal(&place->identity, identity);
	if (found)
		*known = *place;
	pthread_mutex_unlock(&lock);
	return found;
}

void known_put(const struct known *known)
{
	pthread_mutex_lock(&lock);
	*place_of(&known->identity) = *known;
	pthread_mutex_unlock(&lock);
}

/* The place of a program, with the lock held: emptied if another one has it. */
static struct known *claim(const struct identity *identity)
{
	struct known *place = place_of(identity);
	if (!identity_equal(&place->identity, identity))
		*place = (struct known){.identity = *identity};
	return place;
}

void known_prove(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	claim(identity)->proven = true;
	pthread_mutex_unlock(&lock);
}

void known_distrust(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	claim(identity)->distrusted = true;
	pthread_mutex_unlock(&lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor(FORKS_KNOWN))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}
