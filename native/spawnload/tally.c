/* SPDX-License-Identifier: MIT */
#include "tally.h"

void add_to_range(struct range *range, uint64_t value)
{
	range->sum += value;
	if (range->min == 0 || value < range->min)
		range->min = value;
	if (value > range->max)
		range->max = value;
}

void record(struct tally *tally, const struct spawned *spawned)
{
	tally->attempted++;
	if (spawned->error) {
		tally->failed[spawned->error % MAX_ERRNO]++;
		return;
	}
	tally->spawned++;
	tally->exec_failed[spawned->exec_error % MAX_ERRNO]++;
	add_to_range(&tally->stall_ns, spawned->stall_ns);
	if (tally->listed_count < MAX_LISTED)
		tally->listed[tally->listed_count++] = (struct listed_spawn){spawned->pid, spawned->stall_ns};
}

static void merge_range(struct range *total, const struct range *part)
{
	total->sum += part->sum;
	if (part->max > total->max)
		total->max = part->max;
	if (part->min && (total->min == 0 || part->min < total->min))
		total->min = part->min;
}

void merge(struct tally *total, const struct tally *part)
{
	total->attempted += part->attempted;
	total->spawned += part->spawned;
	total->killed += part->killed;
	for (int i = 0; i < MAX_ERRNO; i++) {
		total->failed[i] += part->failed[i];
		total->exec_failed[i] += part->exec_failed[i];
	}
	merge_range(&total->stall_ns, &part->stall_ns);
	merge_range(&total->rss_bytes, &part->rss_bytes);
	for (size_t i = 0; i < part->listed_count && total->listed_count < MAX_LISTED; i++)
		total->listed[total->listed_count++] = part->listed[i];
}
