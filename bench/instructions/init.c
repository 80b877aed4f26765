/* SPDX-License-Identifier: MIT */
/* The first process of an emulated machine. For each way to see the calls it prints a line of JSON to the console. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "operations.h"
#include "watch.h"

static const char *const ways[] = {"fentry", "syscalls", "raw"};

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

int main(void)
{
	const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};

	atexit(power_off);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("tracefs", "/sys/kernel/tracing");
	setrlimit(RLIMIT_MEMLOCK, &no_limit);
	prepare_operations();
	count_watched_by("nothing");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		watch(ways[i]);
		count_watched_by(ways[i]);
		unwatch();
	}
	return 0;
}
