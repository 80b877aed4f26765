/* SPDX-License-Identifier: MIT */
/* What one child needs of our memory. */
#ifndef AFORK_SLOT_H
#define AFORK_SLOT_H

#include "clone.h"
#include "donor.h"
#include "record.h"

struct chunk;

struct slot {
	struct slot *next;
	struct afork_job *job; /* whose child is in the slot */
	struct donor *donor;   /* whose thread storage that child has, or NULL */
	struct chunk *chunks;  /* argument memory beyond the slot's own */
	char *arena, *arena_end;
	char *stack; /* above the guard page */
	size_t stack_size;
	struct entry entry;
};

/* All with signals blocked. take: NULL when out of memory. */
struct slot *slot_take(void);
void slot_give_back(struct slot *slot);			    /* no child came to be */
void slot_occupy(struct slot *slot, struct afork_job *job); /* a child is in it: reclaimed when it has left */
void *slot_allocate(struct slot *slot, size_t size);	    /* lives as long as the child is in; NULL: no memory */
void slots_reclaim(void);				    /* give back what children have left */
void slots_count(unsigned *idle, unsigned *occupied);	    /* for tests */

#endif
