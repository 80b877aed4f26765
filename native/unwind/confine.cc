// SPDX-License-Identifier: MIT
#include "confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <vector>

namespace forktax
{

namespace
{

constexpr uid_t NOBODY = 65534;
constexpr uint64_t KEPT = UINT64_C(1) << CAP_SYS_PTRACE | UINT64_C(1) << CAP_DAC_READ_SEARCH |
			  UINT64_C(1) << 40 /* CAP_CHECKPOINT_RESTORE, for /proc/PID/map_files */;

#if defined(__x86_64__)
constexpr uint32_t ARCHITECTURE = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t ARCHITECTURE = AUDIT_ARCH_AARCH64;
#endif

/* With these, the kept capabilities would be worth something, or there would be another process without this filter. */
constexpr uint32_t REFUSED[] = {
#ifdef SYS_fork
	SYS_fork,
	SYS_vfork,
	SYS_open,
	SYS_creat,
#endif
	SYS_clone,
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_writev,
	SYS_socket,
	SYS_socketpair,
	SYS_mount,
	SYS_setns,
	SYS_unshare,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_kill,
	SYS_tkill,
	425 /* io_uring_setup */,
	435 /* clone3 */,
	437 /* openat2 */,
	438 /* pidfd_getfd */,
};

void limit(int resource, rlim_t wanted)
{
	struct rlimit now;

	if (getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0)
		return;
	now.rlim_max = now.rlim_max < wanted ? now.rlim_max : wanted;
	now.rlim_cur = now.rlim_max;
	setrlimit(static_cast<__rlimit_resource>(resource), &now);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void reduce_capabilities()
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) != 0)
		return;
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= static_cast<uint32_t>(KEPT >> (32 * half));
		data[half].effective = data[half].permitted;
		data[half].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}

/* Files of root are then not its own, with or without capabilities. */
void become_nobody()
{
	if (geteuid() != 0)
		return;
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	/* In a user namespace, there may be no such user. */
	if (setgroups(0, nullptr) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return;
}

void refuse_system_calls()
{
	constexpr uint32_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
	const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	std::vector<struct sock_filter> filter = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};

#if defined(__x86_64__)
	/* System calls of x32, which have other numbers for the same. */
	filter.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
	filter.push_back(refuse);
#endif
	for (uint32_t each : REFUSED) {
		filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, each, 0, 1));
		filter.push_back(refuse);
	}
	filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
	filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
	filter.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, writes, 0, 1));
	filter.push_back(refuse);
	filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	struct sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

bool may_ask_debuginfod()
{
#ifdef WITHOUT_DEBUGINFOD /* This program has a libdw in it that cannot. */
	return false;
#else
	const char *servers = getenv("DEBUGINFOD_URLS");
	return servers && *servers;
#endif
}

#endif

} // namespace

void confine()
{
	/* Whoever presses Ctrl-C or stops the collector wants its summary. This process ends with the collector's pipe. */
	for (int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
		signal(each, SIG_IGN);
	/* A dump would hold parts of stacks. */
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, 4096);
	/* A sanitizer reserves all addresses, and does at its end what is not allowed here. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* Images of 1 GiB, and as much for what is made from them. */
	limit(RLIMIT_AS, rlim_t{2} << 30);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bool is_offline = !may_ask_debuginfod();
	if (is_offline)
		become_nobody();
	reduce_capabilities();
	if (is_offline)
		refuse_system_calls();
#endif
}

} // namespace forktax
