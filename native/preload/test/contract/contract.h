/* SPDX-License-Identifier: MIT */
/*
 * A table of cases, each run without and with the library in front: what the caller and the child see must be the same
 * to the letter. A case says what it saw; contract.c compares, and checks by the counters which way the calls went.
 */
#ifndef AFORK_PRELOAD_CONTRACT_H
#define AFORK_PRELOAD_CONTRACT_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct test_case {
	const char *name;
	void (*run)(void);
	const char *ways;     /* such as "afork", or "afork:2 fresh"; NULL: not checked */
	const char *old_ways; /* when no program counts as fresh; NULL: the same; "-": the case is about freshness */
};

extern const struct test_case spawn_cases[], action_cases[], attribute_cases[], system_cases[], popen_cases[],
	process_cases[];

/* Adds to what the case saw. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* The path of this program, which as `contract show` tells what a child sees. */
extern const char *self;
int show(void);

/* One posix_spawn(), waited for; says the error, or the status and the child's output (to 1 and 2). */
struct spawn {
	const char *file;
	const char *const *argv; /* NULL: {file} */
	char *const *envp;	 /* NULL: environ */
	posix_spawn_file_actions_t *actions;
	posix_spawnattr_t *attributes;
	bool search;
};
void say_spawn(const struct spawn *spawn);
/* The same with /bin/sh -c command: as old as the system. */
void say_shell(const char *command, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes);
/* The same with `contract show`, which is fresh. */
void say_show(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes);

void say_status(int status);
void say_file(const char *path);
void say_signals(void);	    /* mask and what is ignored, of this process */
void say_descriptors(void); /* numbers that are open, of this process */

void make_file(const char *path, mode_t mode, const char *content);
void copy_file(const char *from, const char *path, mode_t mode);
bool be_nobody(void); /* of no use without root: then false, and it is said */

#endif
