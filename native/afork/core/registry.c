/* SPDX-License-Identifier: MIT */
/* The jobs behind pids and FILEs that the library has handed out: few, so a list. */
#include "registry.h"
#include "forks.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct entry_of_job {
	struct entry_of_job *next;
	const void *owner;
	uintptr_t key;
	struct afork_job *job;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry_of_job *entries;

int registry_add(const void *owner, uintptr_t key, struct afork_job *job)
{
	struct entry_of_job *entry = malloc(sizeof *entry);
	if (!entry)
		return ENOMEM;
	*entry = (struct entry_of_job){.owner = owner, .key = key, .job = job};
	pthread_mutex_lock(&lock);
	entry->next = entries;
	entries = entry;
	pthread_mutex_unlock(&lock);
	return 0;
}

struct afork_job *registry_take(const void *owner, uintptr_t key)
{
	struct afork_job *job = NULL;
	pthread_mutex_lock(&lock);
	for (struct entry_of_job **link = &entries; *link; link = &(*link)->next) {
		struct entry_of_job *entry = *link;
		if (entry->owner == owner && entry->key == key) {
			job = entry->job;
			*link = entry->next;
			free(entry);
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return job;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

__attribute__((constructor(FORKS_REGISTRY))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}
