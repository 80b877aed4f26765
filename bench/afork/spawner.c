/* SPDX-License-Identifier: MIT */
/*
 * spawner PROGRAM ROUNDS SEED BYTES small|huge DESCRIPTORS map|quiet MECHANISM…
 * Each round spawns PROGRAM once by each mechanism, in random order, one child at a time. For each child, it prints the times
 * in nanoseconds from the call: {"mechanism":…,"stall":…,"exec":…,"exit":…,"map":…}.
 */
#include "spawner.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MOST_MECHANISMS = 16,
	WARM_UP_ROUNDS = 2
};

static FILE *output;
static int reports;

void fail(const char *what, int error)
{
	if (error >= 0)
		fprintf(stderr, "spawner: %s: %s\n", what, strerror(error));
	else
		fprintf(stderr, "spawner: %s mechanism %d of afork.h\n", what, -error);
	exit(1);
}

/* All children report into one pipe, which is opened before the first worker of avfork() starts. */
static void open_reports(void)
{
	int ends[2];
	const int saved = fcntl(1, F_DUPFD_CLOEXEC, 3);
	if (saved < 0 || pipe(ends) != 0 || dup2(ends[1], 1) < 0)
		fail("pipe", errno);
	output = fdopen(saved, "w");
	reports = ends[0];
	close(ends[1]);
	fcntl(reports, F_SETFD, FD_CLOEXEC);
}

struct sample {
	int64_t stall, exec, exit, map;
};

static struct sample measure(const struct mechanism *mechanism, char *program, int maps)
{
	struct sample sample = {0};
	int64_t report[2];
	int status;
	if (maps)
		mapper_go();
	const int64_t start = now_ns();
	mechanism->spawn(program);
	sample.stall = now_ns() - start;
	if (read(reports, report, sizeof report) != sizeof report)
		fail("reading the child's report", errno);
	if (waitpid((pid_t)report[1], &status, 0) < 0 || status != 0)
		fail("waiting for the child", errno);
	sample.exit = now_ns() - start;
	sample.exec = report[0] - start;
	sample.map = maps ? mapper_stop() : 0;
	if (mechanism->after)
		mechanism->after();
	return sample;
}

static void print(const struct mechanism *mechanism, struct sample sample)
{
	fprintf(output, "{\"mechanism\":\"%s\",\"stall\":%lld,\"exec\":%lld,\"exit\":%lld,\"map\":%lld}\n",
		mechanism->name, (long long)sample.stall, (long long)sample.exec, (long long)sample.exit,
		(long long)sample.map);
}

static void shuffle(const struct mechanism **mechanisms, int count)
{
	for (int i = count - 1; i > 0; i--) {
		const int j = (int)(random() % (i + 1));
		const struct mechanism *moved = mechanisms[i];
		mechanisms[i] = mechanisms[j];
		mechanisms[j] = moved;
	}
}

static int find_mechanisms(const struct mechanism **mechanisms, char **names)
{
	int count = 0;
	for (; names[count] && count < MOST_MECHANISMS; count++) {
		mechanisms[count] = find_mechanism(names[count]);
		if (!mechanisms[count])
			fail(names[count], EINVAL);
	}
	return count;
}

int main(int argc, char **argv)
{
	if (argc < 9)
		return 2;
	const struct mechanism *mechanisms[MOST_MECHANISMS];
	const int count = find_mechanisms(mechanisms, argv + 8);
	const int rounds = atoi(argv[2]), maps = strcmp(argv[7], "map") == 0;
	srandom((unsigned)atoi(argv[3]));
	open_reports();
	hold_memory(strtoull(argv[4], NULL, 10), strcmp(argv[5], "huge") == 0);
	hold_descriptors(atoi(argv[6]));
	if (maps)
		start_mapper();
	for (int i = 0; i < count; i++)
		if (mechanisms[i]->begin)
			mechanisms[i]->begin();
	for (int round = -WARM_UP_ROUNDS; round < rounds; round++) {
		shuffle(mechanisms, count);
		for (int i = 0; i < count; i++) {
			const struct sample sample = measure(mechanisms[i], argv[1], maps);
			if (round >= 0)
				print(mechanisms[i], sample);
		}
	}
	fflush(output);
	_exit(0); /* avfork()'s workers and the mapper are still there */
}
