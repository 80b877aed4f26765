/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Resident memory of an address space, exact where that is cheap. */
#ifndef FORKTAX_MEMORY_BPF_H
#define FORKTAX_MEMORY_BPF_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define FEW_CPUS 8

const volatile __u64 page_size = 4096;
const volatile __u32 cpus = 1;

/* x86: the offset of a CPU's own data. Only where the kernel can name its data, CONFIG_KALLSYMS_ALL. */
extern const unsigned long this_cpu_off __ksym __weak;

static __always_inline __s64 held_back_by_cpu(struct percpu_counter *counter, __u32 cpu)
{
	__s32 *counters = BPF_CORE_READ(counter, counters);
	const unsigned long *offset;
	__s32 value = 0;

	offset = bpf_per_cpu_ptr(&this_cpu_off, cpu);
	if (offset)
		bpf_probe_read_kernel(&value, sizeof(value), (void *)counters + *offset);
	return value;
}

/*
 * A percpu_counter's count lacks what each CPU holds back, up to max(32, 2 * CPUs). A child's counters were filled by
 * one thread in one fork, mostly on one CPU: where there are many, only this one is asked.
 */
static __always_inline __s64 percpu_pages(struct percpu_counter *counter, bool exact)
{
	__s64 pages = BPF_CORE_READ(counter, count);

	if (!exact || !&this_cpu_off)
		return pages;
	if (cpus > FEW_CPUS)
		return pages + held_back_by_cpu(counter, bpf_get_smp_processor_id());
	for (__u32 cpu = 0; cpu < FEW_CPUS && cpu < cpus; cpu++)
		pages += held_back_by_cpu(counter, cpu);
	return pages;
}

static __always_inline __u64 resident_bytes(struct mm_struct *mm, bool exact)
{
	struct mm_struct___atomic *atomic_mm = (void *)mm;
	__s64 pages = 0;

	if (bpf_core_field_exists(atomic_mm->rss_stat.count)) {
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_FILEPAGES].counter);
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_ANONPAGES].counter);
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_SHMEMPAGES].counter);
	} else {
		pages += percpu_pages(&mm->rss_stat[MM_FILEPAGES], exact);
		pages += percpu_pages(&mm->rss_stat[MM_ANONPAGES], exact);
		pages += percpu_pages(&mm->rss_stat[MM_SHMEMPAGES], exact);
	}
	return pages > 0 ? pages * page_size : 0;
}

#endif
