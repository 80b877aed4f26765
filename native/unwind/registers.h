/* SPDX-License-Identifier: MIT */
/* The registers of a thread, by DWARF's numbers for this processor. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace forktax
{

#if defined(__x86_64__)
constexpr int REGISTERS = 17; /* rax rdx rcx rbx rsi rdi rbp rsp r8-r15, return address */
constexpr int FRAME_POINTER = 6;
constexpr int STACK_POINTER = 7;
#elif defined(__aarch64__)
constexpr int REGISTERS = 33; /* x0-x30, sp, pc */
constexpr int FRAME_POINTER = 29;
constexpr int LINK_REGISTER = 30;
constexpr int STACK_POINTER = 31;
#else
#error "x86-64 and arm64 only"
#endif

class Registers
{
      public:
	uint64_t pc = 0;

	bool knows(int number) const
	{
		return number >= 0 && number < REGISTERS && (known_ >> number & 1);
	}
	/* 0 if the register is not known. */
	uint64_t get(int number) const
	{
		return knows(number) ? values_[number] : 0;
	}
	void set(int number, uint64_t value)
	{
		if (number < 0 || number >= REGISTERS)
			return;
		values_[number] = value;
		known_ |= UINT64_C(1) << number;
	}
	uint64_t sp() const
	{
		return get(STACK_POINTER);
	}

      private:
	uint64_t values_[REGISTERS] = {};
	uint64_t known_ = 0;
};

/*
 * Reads the kernel's struct pt_regs (x86-64, 168 bytes) or struct user_pt_regs (arm64, 272 bytes). False: there are not
 * enough bytes, or they are of a 32-bit program.
 */
bool read_registers(const uint8_t *bytes, size_t size, Registers *ret);

/* A return address as the program would use it: without the signature that pointer authentication adds on arm64. */
uint64_t plain_address(uint64_t address);

} // namespace forktax
