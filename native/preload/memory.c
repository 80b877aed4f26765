/* SPDX-License-Identifier: MIT */
/*
 * Memory of our own. The linker turns every malloc(), calloc() and free() in this library into these (--wrap), those in
 * afork's objects included: posix_spawn() works in a signal handler that interrupted malloc(), and so must we.
 * Called with all signals blocked, so nothing interrupts who holds the lock.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HEADER_BYTES = 16,
	LEAST_BYTES = 64,	  /* the smallest block, header included; each class has twice the size */
	CLASSES = 11,		  /* up to 64 KiB; larger ones are mappings of their own */
	REGION_BYTES = 256 << 10, /* blocks are cut from these, and never given back */
};

struct block {
	size_t size; /* of a mapping of its own; or the class */
	struct block *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *idle[CLASSES];
static char *region, *region_end;

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *memory);

static void *map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/* With the lock held. */
static struct block *cut(size_t bytes)
{
	if ((size_t)(region_end - region) < bytes) {
		char *fresh = map(REGION_BYTES);
		if (!fresh)
			return NULL;
		region = fresh;
		region_end = fresh + REGION_BYTES;
	}
	struct block *block = (struct block *)region;
	region += bytes;
	return block;
}

static struct block *take(unsigned class)
{
	pthread_mutex_lock(&lock);
	struct block *block = idle[class];
	if (block)
		idle[class] = block->next;
	else
		block = cut((size_t)LEAST_BYTES << class);
	pthread_mutex_unlock(&lock);
	if (block)
		block->size = class;
	return block;
}

void *__wrap_malloc(size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	size_t bytes = size + HEADER_BYTES;
	unsigned class = 0;
	while (class < CLASSES && (size_t)LEAST_BYTES << class < bytes)
		class++;
	struct block *block = class < CLASSES ? take(class) : map(bytes);
	if (!block)
		return NULL;
	if (class == CLASSES)
		block->size = bytes;
	return (char *)block + HEADER_BYTES;
}

void *__wrap_calloc(size_t count, size_t size)
{
	size_t bytes;
	void *memory = __builtin_mul_overflow(count, size, &bytes) ? NULL : __wrap_malloc(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

void __wrap_free(void *memory)
{
	if (!memory)
		return;
	struct block *block = (struct block *)((char *)memory - HEADER_BYTES);
	if (block->size >= CLASSES) {
		munmap(block, block->size);
		return;
	}
	pthread_mutex_lock(&lock);
	block->next = idle[block->size];
	idle[block->size] = block;
	pthread_mutex_unlock(&lock);
}

static void before_fork_of_memory(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork_of_memory(void)
{
	pthread_mutex_unlock(&lock);
}

/* First of all our constructors, so that this lock, which is taken under others, is the last to be taken by fork(). */
__attribute__((constructor(101))) static void watch_forks(void)
{
	pthread_atfork(before_fork_of_memory, after_fork_of_memory, after_fork_of_memory);
}
