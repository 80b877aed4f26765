/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Copies registers and stack of a thread that enters a spawning call, for user space to unwind: most libraries have no frame
 * pointers, so the kernel cannot. The copies go into a ring of their own. Without `stack_chunks`, the verifier removes all
 * of this.
 */
#ifndef FORKTAX_STACKS_BPF_H
#define FORKTAX_STACKS_BPF_H

#include "arch.bpf.h"
#include "state.bpf.h"

/* User space sets these before loading. Up to so many chunks are copied of each stack; 0: none ever. */
const volatile __u32 stack_chunks;
const volatile __u32 stacks_per_second;

/* User space sets it while somebody reads the ring. */
__u32 stacks_wanted;
struct stack_losses stack_losses;
__u64 last_stack;
/* The second in the upper half, and in the lower half how many calls asked for a copy in it. */
__u64 stack_budget;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16); /* user space: what a second may need, or one page */
} stacks SEC(".maps");

/* Takes one of the copies that this second has left. Exact: two CPUs never begin the same second twice. */
static __always_inline bool take_from_budget(__u64 now)
{
	__u64 second = now / NS_PER_SECOND << 32, budget = stack_budget;

	if (second > budget)
		__sync_val_compare_and_swap(&stack_budget, budget, second);
	return (__u32)__sync_fetch_and_add(&stack_budget, 1) < stacks_per_second;
}

/*
 * Copies what is mapped and resident from `start` on, and returns the number of bytes. No chunk crosses the end of a page,
 * so a stack that ends early gives what is there.
 */
static __always_inline __u32 copy_chunks(char *to, __u64 start)
{
	__u32 first = STACK_CHUNK_BYTES - (start & (STACK_CHUNK_BYTES - 1));

	if (bpf_probe_read_user(to, first, (void *)start) != 0)
		return 0;
	for (__u32 i = 0; i < STACK_MAX_CHUNKS - 1; i++) {
		__u32 at = first + i * STACK_CHUNK_BYTES;

		if (i + 1 >= stack_chunks || bpf_probe_read_user(to + at, STACK_CHUNK_BYTES, (void *)(start + at)) != 0)
			return at;
	}
	return first + (STACK_MAX_CHUNKS - 1) * STACK_CHUNK_BYTES;
}

static __always_inline __u32 forked_from(void)
{
	__u32 pid = current_pid();
	struct process *process = process_of(pid);

	return process && process->flags & CHILD && !(process->flags & EXECD) ? process->spawner_pid : 0;
}

/* Returns the id of the copy, or 0 if there is none (counted). */
static __noinline __u64 copy_stack(__u64 now)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct stack *stack;
	__u64 id, sp;

	if (!take_from_budget(now)) {
		ADD(stack_losses.over_limit, 1);
		return 0;
	}
	stack = bpf_ringbuf_reserve(&stacks, sizeof(*stack) + stack_chunks * STACK_CHUNK_BYTES, 0);
	if (!stack) {
		ADD(stack_losses.ring_full, 1);
		return 0;
	}
	sp = stack_pointer(regs);
	stack->start = sp - STACK_RED_ZONE_BYTES;
	stack->length = copy_chunks((char *)(stack + 1), stack->start);
	/* Without the stack pointer, it is useless. The red zone may begin on another page, which may never have been touched. */
	if (stack->length <= STACK_RED_ZONE_BYTES) {
		stack->start = sp;
		stack->length = copy_chunks((char *)(stack + 1), sp);
	}
	if (!stack->length || bpf_probe_read_kernel(stack->registers, sizeof(stack->registers), regs) != 0) {
		ADD(stack_losses.unreadable, 1);
		bpf_ringbuf_discard(stack, BPF_RB_NO_WAKEUP);
		return 0;
	}
	id = __sync_fetch_and_add(&last_stack, 1) + 1;
	stack->id = id;
	stack->cgroup = bpf_get_current_cgroup_id();
	stack->pid = current_pid();
	stack->tid = current_tid();
	stack->forked_from = forked_from();
	bpf_ringbuf_submit(stack, BPF_RB_NO_WAKEUP);
	return id;
}

#endif
