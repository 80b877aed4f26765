/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reads the resident memory of an address space, exactly where that is cheap. */
#ifndef FORKTAX_MEMORY_BPF_H
#define FORKTAX_MEMORY_BPF_H

#include "spawn.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

const volatile __u64 page_size = 4096;
const volatile __u32 cpus = 1;

/*
 * A per-CPU pointer becomes an address by adding the kernel's __per_cpu_offset of a CPU. That symbol has no BTF, and
 * kernels without CONFIG_KALLSYMS_ALL cannot name it. For the one value of this map, both the pointer (inside the map) and
 * its address on each CPU can be read; the difference is the offset. 0 means unknown.
 */
__u32 anchor_fd;
__u64 anchor_pointer;
__u64 anchor_address[MAX_CPUS];

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} anchor SEC(".maps");

/* User space runs this once in its own thread, where anchor_fd is the descriptor of the map. */
SEC("raw_tp")
int learn_anchor_pointer(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct bpf_array *map = 0;
	struct file *file = 0;

	(void)ctx;
	bpf_probe_read_kernel(&file, sizeof(file), &files[anchor_fd]);
	map = BPF_CORE_READ(file, private_data);
	bpf_probe_read_kernel(&anchor_pointer, sizeof(anchor_pointer),
			      (void *)map + bpf_core_field_offset(struct bpf_array, pptrs));
	return 0;
}

/* User space then runs this on each CPU. */
SEC("raw_tp")
int learn_anchor_address(void *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id(), only = 0;
	void *value = bpf_map_lookup_elem(&anchor, &only);

	(void)ctx;
	if (cpu < MAX_CPUS)
		anchor_address[cpu] = (__u64)value;
	return 0;
}

static __always_inline __s64 held_back_by_cpu(void *counters, __u32 cpu)
{
	__s32 pages = 0;

	if (cpu < MAX_CPUS && anchor_address[cpu] && anchor_pointer)
		bpf_probe_read_kernel(&pages, sizeof(pages), counters + (anchor_address[cpu] - anchor_pointer));
	return pages;
}

/*
 * `pages` is the count of a percpu_counter. It lacks what each CPU holds back, up to max(32, 2 * CPUs). One thread filled
 * the counters of a child during one fork, mostly on one CPU. With many CPUs, only the current one is read.
 */
static __always_inline __s64 percpu_pages(__s64 pages, void *counters)
{
	if (cpus > FEW_CPUS)
		return pages + held_back_by_cpu(counters, bpf_get_smp_processor_id());
	for (__u32 cpu = 0; cpu < FEW_CPUS && cpu < cpus; cpu++)
		pages += held_back_by_cpu(counters, cpu);
	return pages;
}

static __always_inline __u64 resident_bytes(struct mm_struct *mm)
{
	struct mm_struct___atomic *atomic_mm = (void *)mm;
	__s64 pages = 0;

	if (bpf_core_field_exists(atomic_mm->rss_stat.count)) {
		/* The verifier of those kernels cannot follow arrays of a typedef. */
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_FILEPAGES].counter);
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_ANONPAGES].counter);
		pages += BPF_CORE_READ(atomic_mm, rss_stat.count[MM_SHMEMPAGES].counter);
	} else {
		pages += percpu_pages(mm->rss_stat[MM_FILEPAGES].count, mm->rss_stat[MM_FILEPAGES].counters);
		pages += percpu_pages(mm->rss_stat[MM_ANONPAGES].count, mm->rss_stat[MM_ANONPAGES].counters);
		pages += percpu_pages(mm->rss_stat[MM_SHMEMPAGES].count, mm->rss_stat[MM_SHMEMPAGES].counters);
	}
	return pages > 0 ? pages * page_size : 0;
}

#endif
