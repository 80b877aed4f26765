/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kernel fields that the probes read, and no others. CO-RE relocates each field to the running kernel, so order and
 * neighbours do not matter; names and types do. A test compares this file with the running kernel's BTF. Types whose name
 * ends in ___something exist on some kernels only; the probes test for them before use.
 */
#ifndef FORKTAX_KERNEL_H
#define FORKTAX_KERNEL_H

/* Tells bpf_tracing.h to use the kernel's register names. */
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef int pid_t;
typedef _Bool bool;
#define true 1
#define false 0

/* The part of include/uapi/linux/bpf.h that is used here. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
};

/* include/linux/sched.h */
enum task_flags {
	PF_FORKNOEXEC = 0x00000040,
	PF_KTHREAD = 0x00200000,
};

/* include/uapi/linux/sched.h */
enum clone_flags {
	CLONE_VM = 0x00000100,
	CLONE_VFORK = 0x00004000,
	CLONE_THREAD = 0x00010000,
};

/* arch/x86/include/asm/trap_pf.h. Other architectures encode faults differently; arm64 has no such tracepoint. */
enum page_fault_bits {
	PAGE_FAULT_PRESENT = 1,
	PAGE_FAULT_WRITE = 2,
};

/* include/linux/mm_types.h */
enum fault_flag {
	FAULT_FLAG_USER = 1 << 6,
};
enum vm_fault_reason {
	VM_FAULT_RETRY = 0x000400,
};

/* include/linux/mm_types_task.h; MM_SWAPENTS lies between */
enum {
	MM_FILEPAGES = 0,
	MM_ANONPAGES = 1,
	MM_SHMEMPAGES = 3,
	NR_MM_COUNTERS = 4
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	void *private_data;
	struct path f_path;
};

/* Its address is what counts. */
struct rw_semaphore {
};

struct mm_struct {
	atomic_long_t pgtables_bytes;
	struct rw_semaphore mmap_lock;
	unsigned long arg_start;
	unsigned long arg_end;
	struct percpu_counter rss_stat[NR_MM_COUNTERS];
	struct file *exe_file;
};

struct vm_fault {
	unsigned long address;
	enum fault_flag flags;
};

/* Before 6.2 (f1a7941243c1), and on kernels that reverted it. */
struct mm_rss_stat {
	atomic_long_t count[NR_MM_COUNTERS];
};

struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct bpf_array {
	void *pptrs[0];
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
};

struct thread_info {
#if defined(__TARGET_ARCH_x86)
	__u32 status;
#else
	unsigned long flags;
#endif
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	pid_t pid;
	pid_t tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct files_struct *files;
	struct signal_struct *signal;
	int exit_code;
	unsigned long min_flt;
	unsigned long maj_flt;
	char comm[16];
};

struct linux_binprm {
	const char *filename;
};

struct kernel_clone_args {
	__u64 flags;
};

struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
};

struct pt_regs {
	__u64 orig_x0;
	__s32 syscallno;
};
#endif

#pragma clang attribute pop

#endif
