/* SPDX-License-Identifier: MIT */
/*
 * A slot is one mapping: a guard page, the child's stack, this struct, and memory for the child's arguments. Slots are
 * pooled, for a fresh mapping costs page faults, and come back when their child has left our memory. Nobody waits for
 * that: each call looks at the oldest few that are out.
 */
#include "slot.h"
#include "forks.h"
#include "hold.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum {
	STACK_BYTES = 256 * 1024, /* address space; only what a child touches becomes memory */
	ARENA_BYTES = 32 * 1024,
	IDLE_SLOTS = 64,  /* kept; a burst's others are unmapped */
	RECLAIM_STEP = 8, /* looked at in each call: children leave roughly in order */
};

struct chunk {
	struct chunk *next;
	size_t size;
};

static struct {
	pthread_mutex_t lock;
	struct slot *idle;
	struct slot *oldest, **newest_next; /* with a child in */
	unsigned idle_count, occupied_count;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .newest_next = &pool.oldest};

static size_t page_bytes(void)
{
	return getauxval(AT_PAGESZ);
}

static size_t slot_bytes(void)
{
	return page_bytes() + STACK_BYTES + ARENA_BYTES;
}

static char *slot_base(struct slot *slot)
{
	return slot->stack - page_bytes();
}

static struct slot *slot_map(void)
{
	char *base =
		mmap(NULL, slot_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	if (mprotect(base + page_bytes(), STACK_BYTES + ARENA_BYTES, PROT_READ | PROT_WRITE)) {
		munmap(base, slot_bytes());
		return NULL;
	}
	struct slot *slot = (struct slot *)(base + page_bytes() + STACK_BYTES);
	slot->stack = base + page_bytes();
	slot->stack_size = STACK_BYTES;
	return slot;
}

static void free_chunks(struct slot *slot)
{
	while (slot->chunks) {
		struct chunk *chunk = slot->chunks;
		slot->chunks = chunk->next;
		free(chunk);
	}
}

/* With the lock held. */
static void make_idle(struct slot *slot)
{
	if (pool.idle_count == IDLE_SLOTS) {
		munmap(slot_base(slot), slot_bytes());
		return;
	}
	slot->next = pool.idle;
	pool.idle = slot;
	pool.idle_count++;
}

static void empty(struct slot *slot)
{
	if (slot->job)
		job_release(slot->job);
	if (slot->donor)
		donor_give_back(slot->donor);
	slot->job = NULL;
	slot->donor = NULL;
	free_chunks(slot);
}

static void queue(struct slot *slot)
{
	slot->next = NULL;
	*pool.newest_next = slot;
	pool.newest_next = &slot->next;
	pool.occupied_count++;
}

static struct slot *unqueue_oldest(void)
{
	struct slot *slot = pool.oldest;
	pool.oldest = slot->next;
	if (!pool.oldest)
		pool.newest_next = &pool.oldest;
	pool.occupied_count--;
	return slot;
}

static void reclaim(unsigned count)
{
	for (unsigned looked = 0; looked < count && pool.oldest; looked++) {
		struct slot *slot = unqueue_oldest();
		if (job_in_memory(slot->job)) {
			queue(slot);
			continue;
		}
		empty(slot);
		make_idle(slot);
	}
}

struct slot *slot_take(void)
{
	pthread_mutex_lock(&pool.lock);
	reclaim(RECLAIM_STEP);
	struct slot *slot = pool.idle;
	if (slot) {
		pool.idle = slot->next;
		pool.idle_count--;
	}
	pthread_mutex_unlock(&pool.lock);
	if (!slot)
		slot = slot_map();
	if (slot) {
		slot->arena = (char *)(slot + 1);
		slot->arena_end = slot_base(slot) + slot_bytes();
	}
	return slot;
}

void slot_give_back(struct slot *slot)
{
	empty(slot);
	pthread_mutex_lock(&pool.lock);
	make_idle(slot);
	pthread_mutex_unlock(&pool.lock);
}

void slot_occupy(struct slot *slot, struct afork_job *job)
{
	__atomic_add_fetch(&job->references, 1, __ATOMIC_RELAXED);
	slot->job = job;
	pthread_mutex_lock(&pool.lock);
	queue(slot);
	pthread_mutex_unlock(&pool.lock);
}

void slots_reclaim(void)
{
	pthread_mutex_lock(&pool.lock);
	reclaim(RECLAIM_STEP);
	pthread_mutex_unlock(&pool.lock);
}

void slots_count(unsigned *idle, unsigned *occupied)
{
	pthread_mutex_lock(&pool.lock);
	*idle = pool.idle_count;
	*occupied = pool.occupied_count;
	pthread_mutex_unlock(&pool.lock);
}

void *slot_allocate(struct slot *slot, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (size <= (size_t)(slot->arena_end - slot->arena)) {
		void *memory = slot->arena;
		slot->arena += size;
		return memory;
	}
	const size_t least = 64 * 1024, header = (sizeof(struct chunk) + 15) & ~(size_t)15;
	size_t room = size < least ? least : size;
	struct chunk *chunk = malloc(header + room);
	if (!chunk)
		return NULL;
	chunk->next = slot->chunks;
	slot->chunks = chunk;
	char *memory = (char *)chunk + header;
	if (room - size > (size_t)(slot->arena_end - slot->arena)) { /* the rest is the larger one */
		slot->arena = memory + size;
		slot->arena_end = memory + room;
	}
	return memory;
}

static void before_fork(void)
{
	pthread_mutex_lock(&pool.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&pool.lock);
}

/* The copy's slots have no child in them: it shares no memory with our children. */
static void in_forked(void)
{
	for (struct slot *slot = pool.oldest; slot; slot = slot->next)
		slot->job->in_memory = 0;
	pthread_mutex_unlock(&pool.lock);
}

__attribute__((constructor(FORKS_SLOTS))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_forked);
}
