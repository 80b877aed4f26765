// SPDX-License-Identifier: MIT
#include "walk.h"

#include "expression.h"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace forktax
{

namespace
{

/* What a step to the caller came to: how it was found, or why there is none. */
struct Step {
	const char *how = nullptr;
	const char *end = nullptr;
};

struct FreeFrame {
	void operator()(Dwarf_Frame *frame) const
	{
		free(frame);
	}
};

using FrameInfo = std::unique_ptr<Dwarf_Frame, FreeFrame>;

class Walker
{
      public:
	Walker(const Maps &maps, Registers registers, const Stack &stack)
	    : maps_(maps), registers_(registers), stack_(stack)
	{
	}

	Chain walk(size_t max_frames)
	{
		Chain chain{{}, "too-many-frames"};
		Step step{"registers"};

		while (chain.frames.size() < max_frames) {
			const Mapping *mapping = maps_.find(registers_.pc);

			chain.frames.push_back({registers_.pc, step.how, mapping, !is_exact_});
			step = to_caller(mapping, &chain);
			if (step.end) {
				chain.end = step.end;
				break;
			}
		}
		return chain;
	}

      private:
	const Maps &maps_;
	Registers registers_;
	const Stack &stack_;
	/* The program counter is where the thread was stopped, not where a call returns to. */
	bool is_exact_ = true;
	bool is_first_ = true;

	Step to_caller(const Mapping *mapping, Chain *chain)
	{
		uint64_t sp = registers_.sp(), pc = registers_.pc;
		bool was_exact = is_exact_, signal = false;
		Step step = by_cfi(mapping, &signal);

		/* A handler returns to the first instruction of the code that ends it, and nothing there called it. */
		if (signal)
			chain->frames.back().is_return_address = false;

		if (!step.how && !step.end && is_first_)
			step = by_return_address(mapping);
		if (!step.how && !step.end)
			step = is_outermost(mapping) ? Step{nullptr, "complete"} : by_frame_pointer();
		if (step.end)
			return step;
		is_first_ = false;
		is_exact_ = signal;
		if (registers_.pc == 0)
			return {nullptr, "complete"};
		/* Every call takes some stack; only the innermost function of arm64 may use none, and signals have stacks of their own. */
		bool progress = registers_.sp() > sp || (was_exact && registers_.sp() == sp && registers_.pc != pc);
		return progress || signal ? step : Step{nullptr, "loop"};
	}

	Step unreadable() const
	{
		return {nullptr, stack_.too_short() ? "stack-too-short" : "unreadable-memory"};
	}

	FrameInfo info_at(const Mapping *mapping, uint64_t pc) const
	{
		uint64_t address;

		if (!mapping || !mapping->image || pc < mapping->start ||
		    !mapping->image->address_of(pc - mapping->start + mapping->file_offset, &address))
			return nullptr;
		return FrameInfo(mapping->image->frame_at(address));
	}

	/* Neither how nor end: no call frame information has this address. */
	Step by_cfi(const Mapping *mapping, bool *ret_signal)
	{
		FrameInfo info = info_at(mapping, is_exact_ ? registers_.pc : registers_.pc - 1);
		Dwarf_Addr start, end;
		Dwarf_Op *ops;
		size_t count;
		uint64_t cfa;
		bool is_location;

		if (!info)
			return {};
		int return_register = dwarf_frame_info(info.get(), &start, &end, ret_signal);
		if (return_register < 0 || dwarf_frame_cfa(info.get(), &ops, &count) != 0 || count == 0)
			return {nullptr, "no-unwind-info"};
		if (!evaluate(ops, count, {registers_, stack_, 0}, &is_location, &cfa))
			return unreadable();
		return restore(info.get(), return_register, cfa);
	}

	enum class Found {
		value,
		undefined,
		unreadable
	};

	Found register_of_caller(Dwarf_Frame *info, int number, uint64_t cfa, uint64_t *ret) const
	{
		Dwarf_Op memory[3], *ops;
		size_t count;
		bool is_location;

		if (dwarf_frame_register(info, number, memory, &ops, &count) != 0)
			return Found::unreadable;
		if (count == 0) {
			*ret = registers_.get(number);
			return !ops && registers_.knows(number) ? Found::value : Found::undefined;
		}
		if (!evaluate(ops, count, {registers_, stack_, cfa}, &is_location, ret))
			return Found::unreadable;
		return !is_location || stack_.read(*ret, sizeof(*ret), ret) ? Found::value : Found::unreadable;
	}

	Step restore(Dwarf_Frame *info, int return_register, uint64_t cfa)
	{
		Registers caller;
		uint64_t value;

		switch (register_of_caller(info, return_register, cfa, &value)) {
		case Found::undefined:
			return {nullptr, "complete"};
		case Found::unreadable:
			return unreadable();
		case Found::value:
			caller.pc = plain_address(value);
		}
		for (int number = 0; number < REGISTERS; number++)
			if (number != STACK_POINTER && register_of_caller(info, number, cfa, &value) == Found::value)
				caller.set(number, value);
		bool has_sp = register_of_caller(info, STACK_POINTER, cfa, &value) == Found::value;
		caller.set(STACK_POINTER, has_sp ? value : cfa);
		registers_ = caller;
		return {"cfi"};
	}

	bool is_code(uint64_t address) const
	{
		return maps_.find(address) != nullptr;
	}

	/*
	 * libc's wrappers of clone and clone3 end their call frame information before the system call, because it would be
	 * wrong in the child. In the parent, what they return to is where the function began with it.
	 */
	Step by_return_address(const Mapping *mapping)
	{
		uint64_t return_address, offset;

		if (!mapping || !mapping->image || registers_.pc < mapping->start + 4 ||
		    !mapping->image->address_of(registers_.pc - mapping->start + mapping->file_offset, &offset))
			return {};
#if defined(__x86_64__)
		uint8_t code[3] = {};
		constexpr uint8_t syscall[] = {0x0f, 0x05}, push_rdx = 0x52;
		constexpr int rdx = 1;

		if (!mapping->image->read_code(offset - 2, sizeof(code), code) || memcmp(code, syscall, 2) != 0)
			return {};
		/* musl's vfork keeps it in a register, as the child would overwrite it on the stack. */
		if (code[2] == push_rdx) {
			return_address = registers_.get(rdx);
		} else {
			if (!stack_.read(registers_.sp(), sizeof(return_address), &return_address))
				return unreadable();
			registers_.set(STACK_POINTER, registers_.sp() + sizeof(return_address));
		}
#else
		uint32_t code = 0;
		constexpr uint32_t svc = 0xd4000001;

		if (!mapping->image->read_code(offset - 4, sizeof(code), reinterpret_cast<uint8_t *>(&code)) ||
		    code != svc)
			return {};
		return_address = plain_address(registers_.get(LINK_REGISTER));
#endif
		if (!is_code(return_address))
			return {};
		registers_.pc = return_address;
		return {"return-address"};
	}

	/*
	 * Where _start has no call frame information, as that of arm64's glibc 2.31, it has cleared the frame pointer: both processors'
	 * ABIs mark the outermost frame so.
	 */
	bool is_outermost(const Mapping *mapping) const
	{
		uint64_t address;

		return mapping && mapping->image && registers_.knows(FRAME_POINTER) &&
		       registers_.get(FRAME_POINTER) == 0 &&
		       mapping->image->address_of(registers_.pc - mapping->start + mapping->file_offset, &address) &&
		       mapping->image->is_entry(address);
	}

	/* Compiled code without call frame information, of just-in-time compilers above all, has frame pointers if anything. */
	Step by_frame_pointer()
	{
		uint64_t frame = registers_.get(FRAME_POINTER), caller_frame, return_address;

		if (!registers_.knows(FRAME_POINTER) || frame < registers_.sp() || frame % sizeof(frame) != 0)
			return {nullptr, "no-unwind-info"};
		if (!stack_.read(frame, sizeof(frame), &caller_frame) ||
		    !stack_.read(frame + sizeof(frame), sizeof(frame), &return_address))
			return {nullptr, stack_.too_short() ? "stack-too-short" : "no-unwind-info"};
		return_address = plain_address(return_address);
		if (!is_code(return_address))
			return {nullptr, "no-unwind-info"};
		Registers caller;
		caller.pc = return_address;
		caller.set(FRAME_POINTER, caller_frame);
		caller.set(STACK_POINTER, frame + 2 * sizeof(frame));
		registers_ = caller;
		return {"frame-pointer"};
	}
};

} // namespace

Chain walk(const Process *process, Registers registers, const Stack &stack, size_t max_frames)
{
	const Maps *maps = process ? process->maps_with(registers.pc) : nullptr;

	if (!maps)
		return {{{registers.pc, "registers", nullptr, false}}, "process-gone"};
	const Mapping *first = maps->find(registers.pc);
	if (first && first->image && first->image->is_32_bit())
		return {{{registers.pc, "registers", first, false}}, "unsupported"};
	return Walker(*maps, registers, stack).walk(max_frames);
}

} // namespace forktax
