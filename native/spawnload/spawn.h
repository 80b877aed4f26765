/* SPDX-License-Identifier: MIT */
#ifndef SPAWNLOAD_SPAWN_H
#define SPAWNLOAD_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "child.h"
#include "options.h"

struct spawned {
	pid_t pid;	/* 0: no child to wait for */
	int error;	/* of the call */
	int exec_error; /* as posix_spawn says it; for the others the child does, later */
	uint64_t stall_ns;
};

/* One spawn, by the mechanism and system call that the options name. */
struct spawned spawn(const struct options *options, struct child *child);

uint64_t now_ns(void);

#endif
