/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MISSING_PATH "/nonexistent/spawnload"

const char *const mechanism_names[MECHANISMS] = {"fork", "vfork", "afork", "posix_spawn"};
const char *const syscall_names[SYSCALLS] = {"fork", "vfork", "clone", "clone3", "libc"};

static const char usage[] =
	"Usage: spawnload [OPTION]... [-- ARGUMENT...]\n"
	"Spawns exactly what it is told, and prints what it did as one line of JSON.\n"
	"\n"
	"  --mechanism fork|vfork|afork|posix_spawn  default fork\n"
	"  --syscall fork|vfork|clone|clone3         default: the mechanism's namesake, clone for afork\n"
	"  --count N             spawns in all (1)\n"
	"  --rate N              spawns a second, in all (no limit)\n"
	"  --threads N           N threads spawn, and the leader does not (0: the leader spawns)\n"
	"  --from-thread         --threads 1\n"
	"  --live N              children that each thread lets live at once (1)\n"
	"  --rss BYTES           anonymous memory to touch first, on small pages\n"
	"  --parent-touch PAGES  pages of it that the parent writes after each spawn while the child lives\n"
	"  --child-touch PAGES   pages that the child writes before its exec: of the parent's memory where that was\n"
	"                        copied, else of a mapping of its own\n"
	"  --exec PATH           what the child executes (this program, ending at once), with the ARGUMENTs\n"
	"  --exec-missing        a path that does not exist\n"
	"  --no-exec             the child exits without exec\n"
	"  --kill                the child is killed by SIGKILL before its exec\n"
	"  --child-lifetime MS   how long the child sleeps, after its exec if it does that\n"
	"  --exec-from-thread    the child starts a thread, and that executes\n"
	"  --end-together        no exec; the child starts a thread, and both end at the same moment\n"
	"  --exec-after          with --from-thread: when all is done, that thread executes what its children did\n"
	"  --siblings N          N threads fault on new pages of the process meanwhile, and measure how long they "
	"stand still\n"
	"  --siblings-map        they map and unmap memory too\n"
	"  --nproc-limit         as another user and with RLIMIT_NPROC 0, so that every spawn fails with EAGAIN\n"
	"  --uid UID             which user that is (65534)\n"
	"  --comm NAME           own comm\n"
	"  --wait-start          print {\"ready\":true,\"pid\":...} and begin when stdin gives a byte or ends\n";

enum option_code {
	MECHANISM = 256,
	SYSCALL,
	COUNT,
	RATE,
	THREADS,
	FROM_THREAD,
	LIVE,
	RSS,
	PARENT_TOUCH,
	CHILD_TOUCH,
	EXEC,
	EXEC_MISSING,
	NO_EXEC,
	KILL,
	CHILD_LIFETIME,
	EXEC_FROM_THREAD,
	END_TOGETHER,
	EXEC_AFTER,
	SIBLINGS,
	SIBLINGS_MAP,
	NPROC_LIMIT,
	USER,
	COMM,
	WAIT_START,
	HELP,
};

static const struct option long_options[] = {
	{"mechanism", required_argument, NULL, MECHANISM},
	{"syscall", required_argument, NULL, SYSCALL},
	{"count", required_argument, NULL, COUNT},
	{"rate", required_argument, NULL, RATE},
	{"threads", required_argument, NULL, THREADS},
	{"from-thread", no_argument, NULL, FROM_THREAD},
	{"live", required_argument, NULL, LIVE},
	{"rss", required_argument, NULL, RSS},
	{"parent-touch", required_argument, NULL, PARENT_TOUCH},
	{"child-touch", required_argument, NULL, CHILD_TOUCH},
	{"exec", required_argument, NULL, EXEC},
	{"exec-missing", no_argument, NULL, EXEC_MISSING},
	{"no-exec", no_argument, NULL, NO_EXEC},
	{"kill", no_argument, NULL, KILL},
	{"child-lifetime", required_argument, NULL, CHILD_LIFETIME},
	{"exec-from-thread", no_argument, NULL, EXEC_FROM_THREAD},
	{"end-together", no_argument, NULL, END_TOGETHER},
	{"exec-after", no_argument, NULL, EXEC_AFTER},
	{"siblings", required_argument, NULL, SIBLINGS},
	{"siblings-map", no_argument, NULL, SIBLINGS_MAP},
	{"nproc-limit", no_argument, NULL, NPROC_LIMIT},
	{"uid", required_argument, NULL, USER},
	{"comm", required_argument, NULL, COMM},
	{"wait-start", no_argument, NULL, WAIT_START},
	{"help", no_argument, NULL, HELP},
	{NULL, 0, NULL, 0},
};

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-')
		errx(2, "not a number: %s", text);
	return value;
}

static int choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	errx(2, "not known: %s (see --help)", text);
}

static void apply(struct options *options, int code, const char *text)
{
	switch (code) {
	case MECHANISM:
		options->mechanism = choice(text, mechanism_names, MECHANISMS);
		break;
	case SYSCALL:
		options->syscall = choice(text, syscall_names, BY_LIBC);
		break;
	case COUNT:
		options->count = number(text);
		break;
	case RATE:
		options->rate = number(text);
		break;
	case THREADS:
		options->threads = number(text);
		break;
	case FROM_THREAD:
		options->threads = 1;
		break;
	case LIVE:
		options->live = number(text);
		break;
	case RSS:
		options->rss_bytes = number(text);
		break;
	case PARENT_TOUCH:
		options->parent_touch_pages = number(text);
		break;
	case CHILD_TOUCH:
		options->child_touch_pages = number(text);
		break;
	case EXEC:
		options->path = text;
		break;
	case EXEC_MISSING:
		options->path = MISSING_PATH;
		break;
	case NO_EXEC:
		options->path = NULL;
		break;
	case KILL:
		options->kill_child = true;
		break;
	case CHILD_LIFETIME:
		options->child_lifetime_ms = number(text);
		break;
	case EXEC_FROM_THREAD:
		options->exec_from_thread = true;
		break;
	case END_TOGETHER:
		options->path = NULL;
		options->end_together = true;
		break;
	case EXEC_AFTER:
		options->exec_after = true;
		break;
	case SIBLINGS:
		options->siblings = number(text);
		break;
	case SIBLINGS_MAP:
		options->siblings_map = true;
		break;
	case NPROC_LIMIT:
		options->nproc_limit = true;
		break;
	case USER:
		options->uid = number(text);
		break;
	case COMM:
		options->comm = text;
		break;
	case WAIT_START:
		options->wait_start = true;
		break;
	case HELP:
		fputs(usage, stdout);
		exit(0);
	default: /* getopt has printed the error */
		exit(2);
	}
}

static bool syscall_makes(enum mechanism mechanism, enum spawn_syscall by)
{
#ifndef SYS_fork
	if (by == BY_FORK || by == BY_VFORK)
		return false;
#endif
	switch (by) {
	case BY_FORK:
		return mechanism == FORK;
	case BY_VFORK:
		return mechanism == VFORK;
	case BY_LIBC:
		return mechanism == POSIX_SPAWN;
	default:
		return mechanism != POSIX_SPAWN;
	}
}

static enum spawn_syscall default_syscall(enum mechanism mechanism)
{
	static const enum spawn_syscall namesake[MECHANISMS] = {BY_FORK, BY_VFORK, BY_CLONE, BY_LIBC};

	return syscall_makes(mechanism, namesake[mechanism]) ? namesake[mechanism] : BY_CLONE;
}

static void check(const struct options *options)
{
	size_t touched = options->parent_touch_pages;

	if (options->mechanism == FORK)
		touched += options->child_touch_pages;
	if (!syscall_makes(options->mechanism, options->syscall))
		errx(2, "%s does not make a %s here", syscall_names[options->syscall],
		     mechanism_names[options->mechanism]);
	if (options->mechanism == POSIX_SPAWN &&
	    (!options->path || options->kill_child || options->exec_from_thread || options->child_touch_pages))
		errx(2, "posix_spawn's child can only exec");
	if (options->exec_after && (options->threads != 1 || !options->path))
		errx(2, "--exec-after needs --from-thread, and something to execute");
	if (options->siblings && options->threads > 1)
		errx(2, "--siblings needs a single thread that spawns");
	if (options->live == 0)
		errx(2, "--live must be at least 1");
	if (touched * sysconf(_SC_PAGESIZE) > options->rss_bytes)
		errx(2, "--rss must hold all the pages to touch: %zu", touched);
}

/* Makes the child execute this program, which ends at once or after its sleep. This is the default. */
static void run_own_program(struct options *options, char *own_path)
{
	static char lifetime[24];
	static char *argv[4];

	snprintf(lifetime, sizeof(lifetime), "%ld", options->child_lifetime_ms);
	argv[0] = own_path;
	argv[1] = options->child_lifetime_ms ? "--sleep" : "--exit-now";
	argv[2] = options->child_lifetime_ms ? lifetime : NULL;
	options->argv = argv;
}

static char *find_own_path(void)
{
	static char path[4096];

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		err(1, "/proc/self/exe");
	return path;
}

struct options parse_options(int argc, char **argv)
{
	char *own_path = find_own_path();
	struct options options = {.syscall = SYSCALLS, .count = 1, .live = 1, .uid = 65534, .path = own_path};
	int code;

	while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		apply(&options, code, optarg);
	if (options.syscall == SYSCALLS)
		options.syscall = default_syscall(options.mechanism);
	check(&options);
	if (options.path == own_path) {
		run_own_program(&options, own_path);
	} else if (options.path) {
		/* The element before the ARGUMENTs held the last option or the name of this program, so it can be overwritten. */
		options.argv = argv + optind - 1;
		options.argv[0] = (char *)options.path;
	}
	return options;
}
