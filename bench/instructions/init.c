/* SPDX-License-Identifier: MIT */
/* The first process of an emulated machine. For each way to see the calls it prints a line of JSON to the console. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "operations.h"
#include "watch.h"

static const char *const ways[] = {"fentry", "syscalls", "raw"};
#define WAYS (sizeof(ways) / sizeof(*ways))

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) != 0)
		err(1, "mounting %s", path);
}

static void count_watched_by(const char *who)
{
	printf("instructions {\"watched\":\"%s\",\"counts\":", who);
	fflush(stdout);
	count_operations();
	printf("}\n");
	fflush(stdout);
}

static void power_off(void)
{
	fflush(NULL);
	tcdrain(STDOUT_FILENO);
	sync();
	reboot(RB_POWER_OFF);
}

/*
 * Watches in a process of its own: libbpf needs some 16 MiB while it loads, which a fork of this process would copy as well. It must
 * begin before this process has memory to count with, or each page of that would be shared.
 */
struct watcher {
	const char *way;
	pid_t pid;
	int go;	   /* the first byte: watch; the second: no longer */
	int ready; /* a byte: it watches */
};

static void run_watcher(const char *way, int go, int ready)
{
	char byte = 0;

	if (read(go, &byte, 1) != 1)
		_exit(0);
	watch(way);
	if (write(ready, &byte, 1) != 1)
		err(1, "saying that it watches");
	if (read(go, &byte, 1) == 1)
		unwatch();
	fflush(NULL);
	_exit(0);
}

static struct watcher begin_watcher(const char *way)
{
	int go[2], ready[2];
	struct watcher watcher = {.way = way};

	if (pipe(go) != 0 || pipe(ready) != 0)
		err(1, "pipe");
	watcher.pid = fork();
	if (watcher.pid < 0)
		err(1, "fork");
	if (watcher.pid == 0) {
		close(ready[0]);
		run_watcher(way, go[0], ready[1]);
	}
	close(ready[1]); /* so that a watcher that fails ends the reading */
	watcher.go = go[1];
	watcher.ready = ready[0];
	return watcher;
}

static void count_with(const struct watcher *watcher)
{
	char byte = 1;
	int status;

	if (write(watcher->go, &byte, 1) != 1 || read(watcher->ready, &byte, 1) != 1)
		errx(1, "%s: cannot watch", watcher->way);
	count_watched_by(watcher->way);
	if (write(watcher->go, &byte, 1) != 1 || waitpid(watcher->pid, &status, 0) != watcher->pid || status != 0)
		errx(1, "%s: watching failed", watcher->way);
}

int main(void)
{
	const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
	struct watcher watchers[WAYS];

	atexit(power_off);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("tracefs", "/sys/kernel/tracing");
	setrlimit(RLIMIT_MEMLOCK, &no_limit);
	for (size_t i = 0; i < WAYS; i++)
		watchers[i] = begin_watcher(ways[i]);
	prepare_operations();
	count_watched_by("nothing");
	for (size_t i = 0; i < WAYS; i++)
		count_with(&watchers[i]);
	return 0;
}
