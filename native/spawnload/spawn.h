/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_SPAWN_H
#define SPAWNLOAD_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "child.h"
#include "options.h"

struct spawned {
	pid_t pid;	/* 0: no child to wait for */
	int error;	/* of the spawning call */
	int exec_error; /* from posix_spawn; with the other mechanisms the child reports it later */
	uint64_t stall_ns;
};

/* Spawns once, by the mechanism and system call that the options name. */
struct spawned spawn(const struct options *options, struct child *child);

uint64_t now_ns(void);

#endif
