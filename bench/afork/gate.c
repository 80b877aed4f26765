/* SPDX-License-Identifier: MIT */
/*
 * gate PROGRAM MILLISECONDS delays every exec of that program by this time, as a virus scanner does, until standard input
 * ends. Other programs are not delayed. It needs root, and a kernel with fanotify's permission events.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/fanotify.h>
#include <unistd.h>

static void open_gate(int group, useconds_t delay_us)
{
	struct fanotify_event_metadata events[16];
	ssize_t size = read(group, events, sizeof events);
	for (struct fanotify_event_metadata *e = events; FAN_EVENT_OK(e, size); e = FAN_EVENT_NEXT(e, size)) {
		const struct fanotify_response answer = {.fd = e->fd, .response = FAN_ALLOW};
		usleep(delay_us);
		if (write(group, &answer, sizeof answer) != sizeof answer)
			perror("gate: answer");
		close(e->fd);
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, argv[1]) != 0) {
		printf("no fanotify gate on exec here: %s\n", strerror(errno));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	struct pollfd sources[] = {{.fd = group, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	while (poll(sources, 2, -1) > 0 && !sources[1].revents)
		open_gate(group, (useconds_t)atoi(argv[2]) * 1000);
	return 0;
}
