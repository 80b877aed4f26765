/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit program: its calls have other numbers and other entries into the kernel than those of 64-bit programs. It makes 3 children
 * by fork, 4 by vfork, 5 by clone and 6 by clone3. Each tries to execute a file that does not exist, and exits. It ends with 0 if all
 * calls made a child. It has no libc, because hardly a system has a 32-bit one.
 */
#include <stdint.h>

enum {
	SYS_exit = 1,
	SYS_fork = 2,
	SYS_execve = 11,
	SYS_wait4 = 114,
	SYS_clone = 120,
	SYS_vfork = 190,
	SYS_clone3 = 435
};
enum {
	SIGCHLD = 17
};

static const char missing[] = "/missing/program";

/* include/uapi/linux/sched.h */
static const struct {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
} clone3_arguments = {.exit_signal = SIGCHLD};

/*
 * Makes a child and gives its pid, or a negative errno. The child touches no stack, which may be its parent's too: it has its arguments
 * in registers. All registers but that of the result keep their values in the child.
 */
static long spawn(long number, long a, long b);
static long call(long number, long a, long b, long c);

#if defined(__i386__)

static long spawn(long number, long a, long b)
{
	long result;

	__asm__ volatile("int $0x80\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "mov %[execve], %%eax\n\t"
			 "mov %[path], %%ebx\n\t"
			 "xor %%ecx, %%ecx\n\t"
			 "xor %%edx, %%edx\n\t"
			 "int $0x80\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%ebx, %%ebx\n\t"
			 "int $0x80\n\t"
			 "1:"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(0), "S"(0),
			   "D"(0), [execve] "i"(SYS_execve), [exit] "i"(SYS_exit), [path] "i"(missing)
			 : "memory");
	return result;
}

static long call(long number, long a, long b, long c)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c), "S"(0) : "memory");
	return result;
}

#elif defined(__arm__)

static long spawn(long number, long a, long b)
{
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = 0;
	register long r3 __asm__("r3") = 0;
	register long r4 __asm__("r4") = 0;

	__asm__ volatile("svc #0\n\t"
			 "cmp r0, #0\n\t"
			 "bne 1f\n\t"
			 "mov r7, %[execve]\n\t"
			 "mov r0, %[path]\n\t"
			 "mov r1, #0\n\t"
			 "mov r2, #0\n\t"
			 "svc #0\n\t"
			 "mov r7, %[exit]\n\t"
			 "mov r0, #0\n\t"
			 "svc #0\n\t"
			 "1:"
			 : "+r"(r0), "+r"(r7), "+r"(r1), "+r"(r2)
			 : "r"(r3), "r"(r4), [path] "r"(missing), [execve] "i"(SYS_execve), [exit] "i"(SYS_exit)
			 : "memory", "cc");
	return r0;
}

static long call(long number, long a, long b, long c)
{
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = 0;

	__asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
	return r0;
}

#else
#error "the 32-bit programs of x86-64 and of arm64 only"
#endif

static int spawn_all(int count, long number, long a, long b)
{
	int failed = 0;

	while (count-- > 0)
		failed |= spawn(number, a, b) <= 0 || call(SYS_wait4, -1, 0, 0) <= 0;
	return failed;
}

void _start(void);
void _start(void)
{
	int failed = spawn_all(3, SYS_fork, 0, 0);

	failed |= spawn_all(4, SYS_vfork, 0, 0);
	failed |= spawn_all(5, SYS_clone, SIGCHLD, 0);
	failed |= spawn_all(6, SYS_clone3, (long)&clone3_arguments, sizeof(clone3_arguments));
	for (;;)
		call(SYS_exit, failed, 0, 0);
}
