/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_OPTIONS_H
#define SPAWNLOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum mechanism {
	FORK,
	VFORK,
	AFORK,
	POSIX_SPAWN,
	MECHANISMS
};
enum spawn_syscall {
	BY_FORK,
	BY_VFORK,
	BY_CLONE,
	BY_CLONE3,
	BY_LIBC,
	SYSCALLS
};

extern const char *const mechanism_names[MECHANISMS];
extern const char *const syscall_names[SYSCALLS];

struct options {
	enum mechanism mechanism;
	enum spawn_syscall syscall;
	unsigned long count;   /* in total, over all threads */
	double rate;	       /* per second, over all threads; 0: no limit */
	unsigned long threads; /* in addition to the leader; 0: the leader spawns */
	unsigned long live;    /* how many children of each thread may live at the same time */
	size_t rss_bytes;
	size_t parent_touch_pages;
	size_t child_touch_pages;
	const char *path;	/* NULL: no exec */
	char **argv;		/* the child's arguments */
	long child_lifetime_ms; /* how long this program sleeps as the child, or a child without exec */
	bool kill_child;
	bool exec_from_thread;
	bool end_together;
	bool exec_after;
	unsigned long siblings; /* threads that use the memory map meanwhile */
	bool siblings_map;
	bool nproc_limit;
	unsigned int uid;
	const char *comm;
	bool wait_start;
};

/* Exits with status 2 and a message if the arguments are wrong. */
struct options parse_options(int argc, char **argv);

#endif
