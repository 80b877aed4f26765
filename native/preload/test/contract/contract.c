/* SPDX-License-Identifier: MIT */
/*
 * contract            runs the table in three processes and compares
 * contract run FILE   runs the table: a line for each case into FILE
 * contract show       what a child sees
 */
#include "contract.h"
#include "../../preload.h"
#include <sys/mman.h>
#include <sys/prctl.h>

enum {
	MOST_CASES = 256,
};

const char *self;
static const struct test_case *const tables[] = {spawn_cases,  action_cases, attribute_cases,
						 system_cases, popen_cases,  process_cases};

/* --- run --- */

static uint64_t *counts;

static void open_counts(void)
{
	const char *file = getenv("AFORK_PRELOAD_STATS");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	counts = mmap(NULL, WAY_COUNT * sizeof *counts, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

static void print_ways(FILE *to, const uint64_t *before)
{
	static const char *const names[] = {"afork", "answered", "process", "attribute", "action", "arguments",
					    "fresh", "program",	 "policy",  "distrust",	 "failed", "late"};
	const char *space = "";
	for (int way = 0; counts && way < WAY_COUNT; way++) {
		unsigned more = (unsigned)(counts[way] - before[way]);
		if (more)
			fprintf(to, more > 1 ? "%s%s:%u" : "%s%s", space, names[way], more);
		space = more ? " " : space;
	}
}

/* In a process, group and directory of its own: what a case changes ends with it. */
static void run_case(const struct test_case *test, FILE *to, const char *place)
{
	uint64_t before[WAY_COUNT] = {0};
	char line[16384] = "";
	int ends[2];
	if (counts)
		memcpy(before, counts, sizeof before);
	fflush(to);
	if (pipe2(ends, O_CLOEXEC))
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (mkdir(place, 0777) || chmod(place, 0777) || chdir(place))
			_exit(4);
		dup2(ends[1], 200); /* out of the way of the numbers that cases speak of */
		fcntl(200, F_SETFD, FD_CLOEXEC);
		close(ends[0]);
		close(ends[1]);
		fclose(to);
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a case may have taken the alarm for itself */
		alarm(60);
		test->run();
		_exit(0);
	}
	close(ends[1]);
	size_t size = 0;
	ssize_t more;
	while (size < sizeof line - 1 && (more = read(ends[0], line + size, sizeof line - 1 - size)) > 0)
		size += (size_t)more;
	close(ends[0]);
	int status = -1;
	waitpid(pid, &status, 0);
	fprintf(to, "%s\t%s", test->name, line);
	if (status)
		fprintf(to, " CASE ENDED WITH STATUS %#x", (unsigned)status);
	fputc('\t', to);
	print_ways(to, before);
	fputc('\n', to);
}

static int run_all(const char *file)
{
	FILE *to = fopen(file, "we");
	int cases = 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	open_counts();
	/* So that a child sees the same in each run. */
	unsetenv("LD_PRELOAD");
	unsetenv("AFORK_PRELOAD_STATS");
	for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
		for (const struct test_case *test = tables[table]; test->name; test++) {
			char place[16];
			snprintf(place, sizeof place, "%d", ++cases);
			run_case(test, to, place);
		}
	return fclose(to);
}

/* --- compare --- */

struct result {
	char name[128], saw[8192], ways[128];
};

static char directory[] = "/tmp/afork-contract.XXXXXX";

static int read_results(struct result *results, const char *file)
{
	int count = 0;
	static char line[16384];
	FILE *from = fopen(file, "re");
	while (from && count < MOST_CASES && fgets(line, sizeof line, from)) {
		struct result *result = &results[count++];
		*result = (struct result){0};
		sscanf(line, "%127[^\t]\t%8191[^\t]\t%127[^\n]", result->name, result->saw, result->ways);
	}
	if (from)
		fclose(from);
	return count;
}

/*
 * In an empty directory of always the same name. `fresh`: for how many seconds a program counts as fresh. What the cases
 * write themselves must, the programs of a system that was installed minutes ago must not.
 */
static int run_with(struct result *results, const char *library, const char *fresh)
{
	char work[64], file[64], stats[64];
	snprintf(work, sizeof work, "%s/work", directory);
	snprintf(file, sizeof file, "%s/results", directory);
	snprintf(stats, sizeof stats, "%s/stats", directory);
	/* It sets the time of change: `contract show` is fresh, however long ago it was built. */
	if (chmod(self, 0755))
		return 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (mkdir(work, 0777) || chmod(work, 0777) || chdir(work))
			_exit(2);
		if (library) {
			setenv("LD_PRELOAD", library, 1);
			setenv("AFORK_PRELOAD_STATS", stats, 1);
		}
		setenv("AFORK_PRELOAD_FRESH", fresh, 1);
		execl(self, "contract", "run", file, NULL);
		_exit(2);
	}
	int status;
	waitpid(pid, &status, 0);
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s/*", directory);
	int count = status ? 0 : read_results(results, file);
	return system(command) ? 0 : count;
}

static const struct test_case *case_named(const char *name)
{
	for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
		for (const struct test_case *test = tables[table]; test->name; test++)
			if (!strcmp(test->name, name))
				return test;
	return NULL;
}

static int tests_run, tests_failed;

static void compare(const struct result *plain, const struct result *ours, bool old)
{
	const struct test_case *test = case_named(plain->name);
	const char *ways = old && test->old_ways ? test->old_ways : test->ways;
	if (!strcmp(ways ? ways : "", "-"))
		return;
	bool same = !strcmp(plain->saw, ours->saw) && !strstr(plain->saw, "CASE ENDED");
	bool as_said = !ways || !strcmp(ours->ways, ways);
	printf("%s %d - %s%s\n", same && as_said ? "ok" : "not ok", ++tests_run, plain->name,
	       old ? ", programs old" : "");
	tests_failed += !same || !as_said;
	if (!same)
		printf("# glibc: %s\n# afork: %s\n", plain->saw, ours->saw);
	if (!as_said)
		printf("# went «%s», not «%s»\n", ours->ways, ways);
}

static int compare_all(const char *library)
{
	static struct result plain[MOST_CASES], ours[MOST_CASES];
	if (!mkdtemp(directory) || chmod(directory, 0755))
		return 2;
	int count = run_with(plain, NULL, "10");
	for (int old = 0; old < 2; old++) {
		if (run_with(ours, library, old ? "0" : "120") != count || count == 0) {
			printf("not ok - the table did not run\n");
			return 1;
		}
		for (int i = 0; i < count; i++)
			compare(&plain[i], &ours[i], old);
	}
	rmdir(directory);
	printf("1..%d\n", tests_run);
	return tests_failed > 0;
}

int main(int argc, char **argv)
{
	self = realpath("/proc/self/exe", NULL);
	if (argc == 3 && !strcmp(argv[1], "run"))
		return run_all(argv[2]);
	if (argc > 1 && !strcmp(argv[1], "show"))
		return show();
	char *library = realpath("native/preload/build/libafork-preload.so", NULL);
	if (!library) {
		fprintf(stderr, "contract: run me from the project's directory, after make\n");
		return 2;
	}
	return compare_all(library);
}
