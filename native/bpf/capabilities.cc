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
		data[half].inheritable = 0; /* the ambient set goes with it */
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

/* A thread may end between being listed and being asked; so each is given a second, then looked for again. */
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

int ask_thread(pid_t thread, int signal_number)
{
	int before = answers.load();

	if (syscall(SYS_tgkill, getpid(), thread, signal_number) != 0)
		return errno == ESRCH ? 0 : errno;
	return wait_for_answer(before, thread) ? first_error.load() : ETIMEDOUT;
}

/* Until a listing shows no thread that was not asked: a thread not yet asked may have made another. */
int ask_every_thread(int signal_number)
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
			if (int error = ask_thread(thread, signal_number)) {
				closedir(directory);
				return error;
			}
		}
		closedir(directory);
	}
	return 0;
}

} // namespace

int reduce_capabilities(uint64_t permitted, uint64_t effective)
{
	std::lock_guard<std::mutex> lock(only_one);
	struct sigaction action = {}, previous = {};
	int signal_number = SIGRTMAX - 1;

	permitted_mask = permitted;
	effective_mask = effective;
	first_error = 0;
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	if (sigaction(signal_number, &action, &previous) != 0)
		return errno;
	int error = ask_every_thread(signal_number);
	if (!error)
		error = reduce_this_thread();
	sigaction(signal_number, &previous, nullptr);
	return error;
}

} // namespace forktax
