// SPDX-License-Identifier: MIT
/*
 * Stops a program at the entry of a call that spawns, as forktax's probe sees it, and shows what the probe would copy.
 *
 *   catch STACK_BYTES COMMAND [ARGUMENT...]
 *
 * Prints a line for the first such call of the command or of a descendant: the pid and the thread, the registers (in the
 * order of struct pt_regs, or user_pt_regs), the address from which the stack is copied, and the copied bytes, all in
 * hexadecimal. Everything then stands still until standard input ends. Then the call is made, and all of it is killed.
 * Exit status: 0; 1 if the command ended without such a call; 2 if something failed.
 */
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RED_ZONE = 128
};

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

/* vfork and fork where the machine has them; clone and clone3 unless they make a thread. */
static int is_spawn(pid_t tid)
{
	struct __ptrace_syscall_info info;
	uint64_t nr, flags;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return 0;
	nr = info.entry.nr;
	flags = info.entry.args[0];
	if (nr == SYS_clone3) {
		errno = 0;
		flags = (uint64_t)ptrace(PTRACE_PEEKDATA, tid, (void *)info.entry.args[0], 0);
		return errno == 0 && !(flags & CLONE_THREAD);
	}
#ifdef __x86_64__
	if (info.arch == AUDIT_ARCH_I386)
		return nr == 2 || nr == 190 || (nr == 120 && !(flags & CLONE_THREAD));
	if (nr == SYS_fork || nr == SYS_vfork)
		return 1;
#endif
	return nr == SYS_clone && !(flags & CLONE_THREAD);
}

static void print_hex(const char *name, const unsigned char *bytes, size_t size)
{
	printf(" %s=", name);
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

/* Up to the first page that cannot be read. */
static size_t read_stack(pid_t tid, uint64_t start, unsigned char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = 4096 - (start + done) % 4096;
		struct iovec local = {bytes + done, part < size - done ? part : size - done};
		struct iovec remote = {(void *)(uintptr_t)(start + done), local.iov_len};

		if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != (ssize_t)local.iov_len)
			break;
		done += local.iov_len;
	}
	return done;
}

static pid_t process_of(pid_t tid)
{
	char path[64], line[256];
	int pid = tid;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &pid) == 1)
			break;
	if (file)
		fclose(file);
	return pid;
}

static void show(pid_t tid, size_t stack_bytes)
{
	struct user_regs_struct registers;
	struct iovec place = {&registers, sizeof(registers)};
	unsigned char *stack = malloc(stack_bytes);
	uint64_t sp;

#ifdef __x86_64__
	/* This is the 64-bit struct also for a 32-bit program, as in the kernel. */
	if (ptrace(PTRACE_GETREGS, tid, 0, &registers) != 0)
		fail("PTRACE_GETREGS");
	place.iov_len = 21 * sizeof(long);
	sp = registers.rsp;
#else
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &place) != 0)
		fail("PTRACE_GETREGSET");
	sp = registers.sp;
#endif
	printf("pid=%d tid=%d start=%llx", process_of(tid), tid, (unsigned long long)(sp - RED_ZONE));
	print_hex("registers", (unsigned char *)&registers, place.iov_len);
	print_hex("stack", stack, read_stack(tid, sp - RED_ZONE, stack, stack_bytes));
	printf("\n");
	fflush(stdout);
	free(stack);
}

/* When this returns, the process is no more. */
static void end(pid_t process)
{
	int status;

	kill(process, SIGKILL);
	for (pid_t tid; (tid = waitpid(-1, &status, __WALL)) > 0;)
		if (tid == process && !WIFSTOPPED(status))
			break;
}

static void start(char **command)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	execvp(command[0], command);
	fail(command[0]);
}

int main(int argc, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK;
	int status;

	if (argc < 3)
		return 2;
	pid_t child = fork();
	if (child == 0)
		start(argv + 2);
	if (child < 0 || waitpid(child, &status, 0) != child || ptrace(PTRACE_SETOPTIONS, child, 0, options) != 0)
		fail("ptrace");
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	for (pid_t tid; (tid = waitpid(-1, &status, __WALL)) > 0;) {
		int sig = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (!WIFSTOPPED(status))
			continue;
		if (sig == (SIGTRAP | 0x80) && is_spawn(tid)) {
			show(tid, strtoul(argv[1], NULL, 0));
			while (getchar() != EOF) {
			}
			/* Tracepoints see the call only now. */
			ptrace(PTRACE_SYSCALL, tid, 0, 0);
			waitpid(tid, &status, __WALL);
			end(process_of(tid));
			return 0;
		}
		/* The stops of ptrace itself are no signals of the program. */
		if (sig == SIGTRAP || sig == SIGSTOP || sig == (SIGTRAP | 0x80))
			sig = 0;
		ptrace(PTRACE_SYSCALL, tid, 0, sig);
	}
	return 1;
}
