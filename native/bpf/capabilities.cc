// SPDX-License-Identifier: MIT
#include "capabilities.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <linux/capability.h>
#include <mutex>
#include <set>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace forktax
{

namespace
{

/* SIGSETXID of glibc, which musl also keeps for itself. libc lets no thread block it and no program handle it. */
constexpr int LIBC_SIGNAL = 33;

/* The kernel's struct for rt_sigaction(2), which differs from libc's. */
struct KernelAction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)();
	uint64_t mask;
};

std::mutex only_one;
std::atomic<int> first_error;
std::atomic<int> answers;
uint64_t permitted_mask, effective_mask;

int reduce_this_thread()
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) != 0)
		return errno;
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= static_cast<uint32_t>(permitted_mask >> (32 * half));
		data[half].effective = data[half].permitted & static_cast<uint32_t>(effective_mask >> (32 * half));
		data[half].inheritable = 0; /* this also clears the ambient set */
	}
	return syscall(SYS_capset, &header, data) != 0 ? errno : 0;
}

void on_signal(int)
{
	int saved = errno, error = reduce_this_thread(), none = 0;

	if (error)
		first_error.compare_exchange_strong(none, error);
	answers.fetch_add(1);
	errno = saved;
}

/* A thread may end after it was listed. Each one therefore has a second to answer, and is then looked for again. */
bool wait_for_answer(int before, pid_t thread)
{
	for (int waited_ms = 0; waited_ms < 1000; waited_ms++) {
		if (answers.load() > before)
			return true;
		if (syscall(SYS_tgkill, getpid(), thread, 0) != 0)
			return true;
		struct timespec pause = {0, 1000000};
		nanosleep(&pause, nullptr);
	}
	return false;
}

int ask_thread(pid_t thread)
{
	int before = answers.load();

	if (syscall(SYS_tgkill, getpid(), thread, LIBC_SIGNAL) != 0)
		return errno == ESRCH ? 0 : errno;
	return wait_for_answer(before, thread) ? first_error.load() : ETIMEDOUT;
}

/* Repeats until a listing shows no new thread, because a thread that was not asked yet may have created another. */
int ask_every_thread()
{
	std::set<pid_t> asked = {static_cast<pid_t>(syscall(SYS_gettid))};

	for (bool found_new = true; found_new;) {
		DIR *directory = opendir("/proc/self/task");

		found_new = false;
		if (!directory)
			return errno;
		while (struct dirent *entry = readdir(directory)) {
			pid_t thread = atoi(entry->d_name);
			if (thread <= 0 || !asked.insert(thread).second)
				continue;
			found_new = true;
			if (int error = ask_thread(thread)) {
				closedir(directory);
				return error;
			}
		}
		closedir(directory);
	}
	return 0;
}

/* Lets libc create the action for another signal, because only libc knows its restorer. */
bool make_action(KernelAction *ret)
{
	struct sigaction ours = {}, previous = {};
	const int borrowed = SIGRTMAX;

	ours.sa_handler = on_signal;
	ours.sa_flags = SA_RESTART;
	if (sigaction(borrowed, &ours, &previous) != 0)
		return false;
	bool made = syscall(SYS_rt_sigaction, borrowed, nullptr, ret, sizeof(ret->mask)) == 0;
	sigaction(borrowed, &previous, nullptr);
	return made;
}

} // namespace

int reduce_capabilities(uint64_t permitted, uint64_t effective)
{
	std::lock_guard<std::mutex> lock(only_one);
	KernelAction action = {}, previous = {};

	permitted_mask = permitted;
	effective_mask = effective;
	first_error = 0;
	if (!make_action(&action) ||
	    syscall(SYS_rt_sigaction, LIBC_SIGNAL, &action, &previous, sizeof(action.mask)) != 0)
		return errno;
	int error = ask_every_thread();
	if (!error)
		error = reduce_this_thread();
	syscall(SYS_rt_sigaction, LIBC_SIGNAL, &previous, nullptr, sizeof(previous.mask));
	return error;
}

} // namespace forktax
