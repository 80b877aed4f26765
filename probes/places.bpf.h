/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Where the entries of processes and threads are. The low bits of an id are its place in an array. If another id has taken
 * that place, the entry is in a hash. The kernel gives ids in ascending order, so entries of children that follow one another
 * lie side by side, and the verifier makes a few instructions of the lookup in an array. With hashes alone, memory that was in
 * no cache took half of the time of a spawn.
 */
#ifndef FORKTAX_PLACES_BPF_H
#define FORKTAX_PLACES_BPF_H

#include "spawn.h"

/* The number of places less one; all its bits are set. User space sets it before loading. */
const volatile __u32 last_place = PLACES - 1;

/* Above all ids, which are below 2^22 (PID_MAX_LIMIT, include/linux/threads.h). */
#define LEAVING (~0U)

struct place {
	__u32 id;	 /* who has it; 0: nobody; LEAVING: somebody until its entry is read and cleared */
	__u32 displaced; /* how many ids are in the hash because this place was taken */
};

/* Takes a place for `id` if nobody has it. Returns who had it before, so 0 if it is taken now. */
static __always_inline __u32 take_place(struct place *place, __u32 id)
{
	return __sync_val_compare_and_swap(&place->id, 0, id);
}

/* Returns false if `id` does not have the place, or another CPU has just begun this. It must be freed afterwards. */
static __always_inline bool leave_place(struct place *place, __u32 id)
{
	return __sync_val_compare_and_swap(&place->id, id, LEAVING) == id;
}

/* Whatever was written to the entry before is there before the place is free. */
static __always_inline void free_place(struct place *place)
{
	__sync_lock_test_and_set(&place->id, 0);
}

#endif
