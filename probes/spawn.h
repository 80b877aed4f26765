/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The contract between spawn.bpf.c and the readers of its maps. User space takes offsets and constants from the BTF of the
 * compiled object, so a field may move freely. Its name and meaning may not change.
 *
 * All times are nanoseconds of CLOCK_MONOTONIC, all sizes bytes, all pids those of the initial pid namespace.
 */
#ifndef FORKTAX_SPAWN_H
#define FORKTAX_SPAWN_H

#include "kernel.h"

/* Sizes and limits that user space needs too. */
enum limits {
	COMM_LEN = 16, /* TASK_COMM_LEN */
	FILE_LEN = 128,
	TIME_BOUNDS = 105,    /* four for each power of two from 2^-18 s (3.8 us) to 2^8 s */
	LIFETIME_BOUNDS = 73, /* two for each power of two from 2^-14 s (61 us) to 2^22 s (49 days) */
	SIZE_BOUNDS = 57,     /* two for each power of two from 4 KiB to 1 TiB */
	PLACES = 4096,	      /* for processes, and as many for calls, that are found at once; a power of two */
	MAX_ERRNO = 1024,     /* above the kernel's internal ones: ERESTARTNOINTR is 513 */
	FAILURES = 1024,      /* rows in the table of failures */
	SIBLING_WAITS = 4096, /* threads that wait for their memory map at the same time */
	COW_FAULTS = 4096,    /* threads in a copy-on-write fault at the same time, beyond one of each process */
	COW_PAGE_BYTES = 4096,
	FEW_CPUS = 8, /* up to this many CPUs, all are read for what they hold back of a counter */
	MAX_CPUS = 1024,
	SLOWEST_FOR_SECONDS = 60, /* how long a row's slowest spawn is shown before any other replaces it */
	GENERIC_NAMES = 8,	  /* room for names of main threads that hide their program */
	STACK_CHUNK_BYTES = 4096, /* what is copied of a user stack at once: the smallest page of any architecture */
	STACK_MAX_CHUNKS = 16,
	STACK_RED_ZONE_BYTES = 128, /* below the stack pointer: x86-64's ABI lets a function use it */
	ARGUMENTS_LEN = 512,	    /* bytes of a command line */
	ANCESTORS = 12,
};

/* What a spawner is called. */
enum naming {
	NAMING_AUTO, /* its leader's comm, or where that is a generic name the file name of its executable */
	NAMING_COMM,
	NAMING_EXE,
};

/* What `id` is in the keys of rows. */
enum label_id {
	LABEL_NONE,
	LABEL_CGROUP,
	LABEL_PID,
};

enum mechanism {
	MECHANISM_FORK,	 /* no CLONE_VM */
	MECHANISM_VFORK, /* CLONE_VM and CLONE_VFORK: vfork, posix_spawn */
	MECHANISM_AFORK, /* CLONE_VM without CLONE_VFORK */
	MECHANISMS,
};

enum spawn_syscall {
	SYSCALL_UNKNOWN, /* no hook saw it: the call began before the probes were attached, or has a foreign ABI */
	SYSCALL_FORK,
	SYSCALL_VFORK,
	SYSCALL_CLONE,
	SYSCALL_CLONE3,
	SYSCALLS,
};

/*
 * One slot for each inclusive bound (Prometheus' `le`), and one for values above the last bound. Not cumulative. Bounds
 * are those of Prometheus' native histograms. A quantile is right within 9 % if there are four bounds for each power of
 * two, and within 19 % if there are two.
 */
struct time_histogram {
	__u64 slots[TIME_BOUNDS + 1];
	__u64 sum_ns;
};

struct lifetime_histogram {
	__u64 slots[LIFETIME_BOUNDS + 1];
	__u64 sum_ns;
};

struct size_histogram {
	__u64 slots[SIZE_BOUNDS + 1];
	__u64 sum_bytes;
};

/* The row that a cost is charged to. `id` is a cgroup id, a pid or 0, depending on rodata `label_id`. */
struct cost_key {
	char comm[COMM_LEN];
	__u64 id;
	__u8 mechanism;
	__u8 syscall;
	__u8 pad[6];
};

/* The slowest spawn of a row within about a minute, as an exemplar. Best effort: its fields may come from two spawns. */
struct slowest_spawn {
	__u64 time_ns;
	__u64 stall_ns;
	__u64 pid;
};

/* Below 4 KiB. */
struct cost_row {
	__u64 spawns;
	__u64 copy_ns; /* the copy part of `stall` */
	__u64 copied_page_table_bytes;
	__u64 cow_faults_parent;
	__u64 cow_faults_child;
	__u64 cow_faults_parent_ns;
	__u64 cow_faults_child_ns;
	__u64 child_faults;	  /* user page faults of the child before its exec */
	__u64 exec_stall_ns;	  /* the stall of spawns whose child called exec */
	__u64 exec_stalls;	  /* the number of those spawns */
	__u64 avoidable_stall_ns; /* sum of max(0, stall - rodata `afork_cost_ns`) over them */
	__u64 last_used_ns;
	struct time_histogram stall;
	struct time_histogram exec_delay;
	struct time_histogram sibling_wait; /* of other threads of the process, for the lock of its memory map */
	struct lifetime_histogram lifetime;
	struct size_histogram copied_rss;
	struct slowest_spawn slowest;
};

enum failure_kind {
	FAILURE_SPAWN, /* the call itself failed */
	FAILURE_EXEC,  /* an exec failed in a child before its first successful one; its spawner is charged */
	FAILURE_KINDS,
};

struct failure_key {
	char comm[COMM_LEN];
	__u64 id;
	__u16 error; /* errno, positive */
	__u8 kind;
	__u8 syscall; /* the syscall of the spawn, for both kinds */
	__u8 pad[4];
};

enum event_kind {
	EVENT_SPAWN,	     /* the call returned to the spawner */
	EVENT_SPAWN_FAILURE, /* the call returned an error */
	EVENT_EXEC,	     /* the child's first exec */
	EVENT_EXEC_FAILURE,  /* an exec failed before that */
	EVENT_EXIT,	     /* the child ended */
	EVENT_KINDS,
};

/* What follows an event in the ring, where user space asked for it. */
enum event_detail {
	DETAIL_NONE,
	DETAIL_ARGUMENTS, /* EXEC: struct arguments */
	DETAIL_ANCESTORS, /* SPAWN, SPAWN_FAILURE: struct ancestors */
};

struct event {
	__u64 time_ns;
	__u64 stall_ns; /* SPAWN, SPAWN_FAILURE */
	__u64 copy_ns;	/* SPAWN */
	__u64 copied_rss_bytes;
	__u64 copied_page_table_bytes;
	__u64 sibling_wait_ns; /* SPAWN: how long other threads of the spawner waited during the call, in sum */
	__u64 since_spawn_ns;  /* EXEC: exec delay. EXEC_FAILURE: time so far. EXIT: lifetime */
	__u64 cgroup;	       /* of the spawner */
	__u64 stack;	       /* SPAWN, SPAWN_FAILURE: the id of the call's `struct stack`; 0: none was copied */
	__u32 pid;	       /* the spawner; `tid` is its thread that called */
	__u32 tid;
	__u32 child;
	__u32 exit_code; /* EXIT: as wait(2) gives it */
	__u16 error;	 /* errno, positive */
	__u8 kind;
	__u8 mechanism;
	__u8 syscall;
	__u8 no_stall;	     /* SPAWN: neither stall nor copy could be measured */
	__u8 exec_seen;	     /* EXIT: the child had called exec */
	__u8 detail;	     /* enum event_detail */
	char comm[COMM_LEN]; /* the spawner's */
	char file[FILE_LEN]; /* EXEC, EXEC_FAILURE: the path, cut to fit */
};

/* A BPF program is told for which architecture it is; other programs are for their own. */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define USER_REGISTERS 21 /* struct pt_regs, arch/x86/include/asm/ptrace.h */
#elif defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define USER_REGISTERS 34 /* struct user_pt_regs, arch/arm64/include/uapi/asm/ptrace.h */
#endif

/*
 * What user space needs to unwind a thread's stack at its entry into a spawning call. The bytes of the stack follow in the
 * ring; only the first `length` of them were written. They may hold secrets.
 */
struct stack {
	__u64 id; /* above 0 */
	__u64 cgroup;
	__u64 start; /* the address of the first byte */
	__u32 length;
	__u32 pid;
	__u32 tid;
	__u32 forked_from; /* the pid whose program it runs, as it was forked and has not called exec; 0: not known */
	__u64 registers[USER_REGISTERS];
};

/*
 * The command line of a program that was executed. Only the first `length` bytes were written, none if it could not be read;
 * a NUL ends each argument.
 */
struct arguments {
	__u32 length;
	__u32 cut; /* the command line is longer */
	char text[ARGUMENTS_LEN];
};

struct ancestor {
	__u32 pid;
	char comm[COMM_LEN];
	char exe[COMM_LEN]; /* the file name of its executable; "" if there is none */
};

/* The parent of a spawner, its parent, and so on. Only the first `count` were written. */
struct ancestors {
	__u32 count;
	__u32 cut; /* there are more */
	struct ancestor chain[ANCESTORS];
};

/* How spawn-events.bt packs a call into a number: its start << CODE_START, these bits, and an enum spawn_syscall. */
enum call_code {
	CODE_SYSCALL = 7, /* the bits of the system call */
	CODE_VM = 8,	  /* CLONE_VM was set */
	CODE_VFORK = 16,  /* CLONE_VFORK was set */
	CODE_START = 5,
};

/* What spawn-events.bt counts page faults as; one fault can be several. */
enum fault_bits {
	FAULT_COW_SPAWNER = 1, /* copy-on-write in a process that has forked */
	FAULT_CHILD = 2,       /* any, in a child before its exec */
	FAULT_COW_CHILD = 4,   /* copy-on-write, in such a child that has not forked */
};

/* What could not be counted in its place. All of it is shown. */
struct health {
	__u64 events_lost;     /* ring buffer full */
	__u64 rows_folded;     /* costs charged to "(other)" because the table was full */
	__u64 failures_folded; /* the same for failures */
	__u64 calls_untracked; /* spawns without stall: the table of calls was full */
	__u64 processes_untracked; /* children or spawners without exec delay, lifetime and CoW faults: the table was full */
	__u64 sibling_waits_untracked; /* the table of waits was full */
	__u64 cow_faults_untimed;      /* the table of faults was full */
	__u64 processes_tracked;       /* gauge */
	__u64 calls_tracked;	       /* gauge: threads in a call, or kept since their last call */
};

/* Calls whose stack was wanted and is not in the ring. */
struct stack_losses {
	__u64 over_limit; /* more than rodata `stacks_per_second` */
	__u64 ring_full;
	__u64 unreadable; /* neither registers nor any byte could be read */
};

/* Types that no map and no global variable uses. spawn.bpf.c puts this struct into its BTF for user space. */
struct contract {
	struct event event;
	struct stack stack;
	struct arguments arguments;
	struct ancestors ancestors;
	enum limits limits;
	enum label_id label_id;
	enum naming naming;
	enum mechanism mechanism;
	enum spawn_syscall spawn_syscall;
	enum failure_kind failure_kind;
	enum event_kind event_kind;
	enum event_detail event_detail;
	enum task_flags task_flags;
	enum clone_flags clone_flags;
	enum page_fault_bits page_fault_bits;
	enum call_code call_code;
	enum fault_bits fault_bits;
};

#endif
