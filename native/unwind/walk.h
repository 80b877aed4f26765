/* SPDX-License-Identifier: MIT */
/* From the registers and a copy of the stack to the chain of calls. */
#pragma once

#include "process.h"
#include "registers.h"
#include "stack.h"

#include <string>
#include <vector>

namespace forktax
{

struct Frame {
	uint64_t address; /* of the instruction that runs next when control returns */
	const char *how;
	const Mapping *mapping; /* null: nothing executable is mapped there */
	/* A return address may be behind the function that called: the names are those of the byte before it. */
	bool is_return_address;
};

struct Chain {
	std::vector<Frame> frames; /* innermost first. They point into the process. */
	const char *end;
};

/* Follows the calls of a process to the outermost, or as far as it can. Without a process, only the first is there. */
Chain walk(const Process *process, Registers registers, const Stack &stack, size_t max_frames);

} // namespace forktax
