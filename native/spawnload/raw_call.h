/* SPDX-License-Identifier: MIT */
/*
 * System calls without libc. A child that shares its parent's memory also shares its errno, so it must not write that.
 */
#ifndef SPAWNLOAD_RAW_CALL_H
#define SPAWNLOAD_RAW_CALL_H

typedef void (*entry_function)(void *argument);

#if defined(__x86_64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/*
 * Calls fork, vfork, clone or clone3, and returns in the parent. The child has its own registers even if it shares the
 * memory. It changes to `stack` before it touches any memory, and calls `entry`, which never returns.
 */
static inline long raw_spawn(long number, long a, long b, void *stack, entry_function entry, void *argument)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[stack], %%rsp\n\t"
			 "mov %[argument], %%rdi\n\t"
			 "call *%[entry]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(0), "r"(r10),
			   "r"(r8), [stack] "r"(stack), [entry] "r"(entry), [argument] "r"(argument)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

static inline long raw_spawn(long number, long a, long b, void *stack, entry_function entry, void *argument)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov sp, %[stack]\n\t"
			 "mov x0, %[argument]\n\t"
			 "blr %[entry]\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3),
			   "r"(x4), [stack] "r"(stack), [entry] "r"(entry), [argument] "r"(argument)
			 : "memory");
	return x0;
}

#else
#error "spawnload knows the system calls of x86-64 and arm64 only"
#endif

#endif
