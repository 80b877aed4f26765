/* SPDX-License-Identifier: MIT */
/*
 * Spawns exactly as it is told, and prints what it did. Tests and benchmarks compare forktax with this output. spawnload
 * shares no code with forktax, and measures with its own clock.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "memory.h"
#include "options.h"
#include "report.h"

static FILE *out;
static size_t page_table_bytes;

/* Runs as a child after its exec: a program that does not spawn. */
static void be_the_child(char **argv)
{
	if (strcmp(argv[1], "--exit-now") == 0)
		_exit(0);
	if (strcmp(argv[1], "--sleep") == 0 && argv[2]) {
		long milliseconds = atol(argv[2]);
		struct timespec duration = {milliseconds / 1000, milliseconds % 1000 * 1000000};

		nanosleep(&duration, NULL);
		_exit(0);
	}
}

/* Children inherit /dev/null, so they can neither write into the report nor keep its reader waiting. */
static void keep_output_from_children(void)
{
	int report_to = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	out = fdopen(report_to, "w");
	if (!out || dup2(null, STDOUT_FILENO) < 0)
		err(1, "stdout");
}

/*
 * The limit does not apply to root, because copy_process() exempts CAP_SYS_RESOURCE. It is zero because the user may have
 * other processes.
 */
static void refuse_new_processes(unsigned int uid)
{
	const struct rlimit none = {0, 0};

	if (setgroups(0, NULL) < 0 || setresuid(uid, uid, uid) < 0)
		err(1, "becoming user %u", uid);
	if (setrlimit(RLIMIT_NPROC, &none) < 0)
		err(1, "RLIMIT_NPROC");
}

static void begin(const struct options *options)
{
	char byte;

	if (options->nproc_limit)
		refuse_new_processes(options->uid);
	page_table_bytes = own_page_table_bytes();
	if (!options->wait_start)
		return;
	fprintf(out, "{\"ready\":true,\"pid\":%d}\n", getpid());
	fflush(out);
	if (read(STDIN_FILENO, &byte, 1) < 0)
		err(1, "stdin");
}

int main(int argc, char **argv)
{
	static struct tally total;
	struct options options;

	if (argc > 1)
		be_the_child(argv);
	options = parse_options(argc, argv);
	keep_output_from_children();
	if (options.comm)
		prctl(PR_SET_NAME, options.comm);
	run_load(&options, begin, &total);
	report(out, &options, &total, page_table_bytes);
	fflush(out);
	after_report(&options);
	return 0;
}
