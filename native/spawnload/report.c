/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void print_comm(FILE *out)
{
	char comm[16] = "";

	prctl(PR_GET_NAME, comm);
	fputs("\"comm\":\"", out);
	for (const char *c = comm; *c; c++)
		fprintf(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	fputs("\",", out);
}

static void print_range(FILE *out, const char *name, const struct range *range)
{
	fprintf(out, "\"%s\":{\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64 "},", name, range->sum,
		range->min, range->max);
}

static void print_errors(FILE *out, const char *name, const uint64_t *by_errno)
{
	const char *separator = "";

	fprintf(out, "\"%s\":{", name);
	for (int error = 1; error < MAX_ERRNO; error++) {
		if (!by_errno[error])
			continue;
		fprintf(out, "%s\"%s\":%" PRIu64, separator, strerrorname_np(error), by_errno[error]);
		separator = ",";
	}
	fputs("},", out);
}

static void print_list(FILE *out, const struct tally *tally)
{
	fputs("\"spawns\":[", out);
	for (size_t i = 0; i < tally->listed_count; i++)
		fprintf(out, "%s{\"pid\":%d,\"stallNs\":%" PRIu64 "}", i ? "," : "", tally->listed[i].pid,
			tally->listed[i].stall_ns);
	fputs("]", out);
}

void report(FILE *out, const struct options *options, const struct tally *tally, size_t page_table_bytes)
{
	fprintf(out, "{\"pid\":%d,", getpid());
	print_comm(out);
	fprintf(out, "\"mechanism\":\"%s\",\"syscall\":\"%s\",", mechanism_names[options->mechanism],
		syscall_names[options->syscall]);
	fprintf(out, "\"attempted\":%" PRIu64 ",\"spawned\":%" PRIu64 ",\"killed\":%" PRIu64 ",", tally->attempted,
		tally->spawned, tally->killed);
	print_errors(out, "failures", tally->failed);
	print_errors(out, "execFailures", tally->exec_failed);
	print_range(out, "stallNs", &tally->stall_ns);
	print_range(out, "rssBytes", &tally->rss_bytes);
	fprintf(out, "\"pageTableBytes\":%zu,", page_table_bytes);
	fprintf(out, "\"ownFaults\":%" PRIu64 ",\"childrenFaults\":%" PRIu64 ",", tally->own_faults,
		tally->children_faults);
	fprintf(out, "\"cpuNs\":%" PRIu64 ",\"elapsedNs\":%" PRIu64 ",", tally->cpu_ns, tally->elapsed_ns);
	fprintf(out, "\"siblings\":{\"stoodStillNs\":%" PRIu64 ",\"blockedNs\":%" PRIu64 "},",
		tally->siblings.stood_still_ns, tally->siblings.blocked_ns);
	print_list(out, tally);
	fputs("}\n", out);
	fflush(out);
}
