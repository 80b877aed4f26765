/* SPDX-License-Identifier: MIT */
/* What avfork.c, the callers' side, and worker.c share. */
#ifndef AFORK_WORKER_H
#define AFORK_WORKER_H

#include "../core/slot.h"
#include <pthread.h>

struct request {
	int (*function)(void *); /* NULL: leave */
	void *argument;
	uint64_t mask;
};

enum state {
	IDLE,	   /* may be taken */
	TAKEN,	   /* by a caller: a request is in the pipe, or about to be, and an answer will be read */
	ANSWERED,  /* the caller has its answer, the child may still be on its way */
	DISMISSED, /* by avfork_stop() */
};

struct worker {
	struct worker *next;
	enum state state;
	int jobs[2], ready[2]; /* pipes: requests to the child, its pid from it */
	int took, answered;    /* written by the child, read by the thread when that wakes */
	struct slot *slot;     /* the child's stack */
	pid_t process;
	int patience_ms;
};

/* Everything in it, the workers' states too, with the lock held. */
extern struct worker_pool {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker *workers; /* the first idle one is taken, so that the last ones become superfluous */
	unsigned count, minimum, maximum;
	unsigned leaving; /* no longer counted, but not yet cleaned up */
	int idle_ms;
	bool stopping;
} worker_pool;

/* All with the lock held, but worker_free(). hire: NULL with errno. */
struct worker *worker_hire(enum state state);
void worker_set_state(struct worker *worker, enum state state);
void worker_free(struct worker *worker);

#endif
