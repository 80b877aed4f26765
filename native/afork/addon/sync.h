// SPDX-License-Identifier: MIT
// One child, which runs its program already, to its end, its input written and its output read meanwhile: what spawnSync() does. Knows no JavaScript.
#ifndef AFORK_ADDON_SYNC_H
#define AFORK_ADDON_SYNC_H

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" {
#include "afork.h"
}

struct SyncPipe {
	int fd; // this process's end; closed by run_sync()
	bool is_input;
	const uint8_t *input;
	size_t input_left;
	std::vector<uint8_t> output;
};

struct SyncLimits {
	uint64_t timeout_ms; // 0: none
	double max_bytes;    // 0: none; may be infinite
	int kill_signal;
};

struct SyncResult {
	int error; // negative errno, or 0
	int status;
	int signal;
};

// Returns when the child has exited and every pipe that is still open has ended. A limit that is passed kills the child
// and closes the pipes. Frees the job.
SyncResult run_sync(afork_job *job, std::vector<SyncPipe> &pipes, const SyncLimits &limits);

void close_pipes(std::vector<SyncPipe> &pipes);

#endif
