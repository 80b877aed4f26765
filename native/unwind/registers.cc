// SPDX-License-Identifier: MIT
#include "registers.h"

#include <cstring>

namespace forktax
{

namespace
{

uint64_t word(const uint8_t *bytes, size_t index)
{
	uint64_t value;

	memcpy(&value, bytes + index * sizeof(value), sizeof(value));
	return value;
}

} // namespace

#if defined(__x86_64__)

bool read_registers(const uint8_t *bytes, size_t size, Registers *ret)
{
	/* Places in struct pt_regs (asm/ptrace.h) of rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15. */
	static const uint8_t places[] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0};
	constexpr size_t ip = 16, cs = 17, words = 21;
	constexpr uint64_t user_cs_64 = 0x33;

	if (size < words * sizeof(uint64_t) || word(bytes, cs) != user_cs_64)
		return false;
	for (size_t number = 0; number < sizeof(places); number++)
		ret->set(static_cast<int>(number), word(bytes, places[number]));
	ret->pc = word(bytes, ip);
	return true;
}

uint64_t plain_address(uint64_t address)
{
	return address;
}

#else

bool read_registers(const uint8_t *bytes, size_t size, Registers *ret)
{
	constexpr size_t pc = 32, pstate = 33, words = 34;
	constexpr uint64_t mode_32_bit = 0x10;

	if (size < words * sizeof(uint64_t) || (word(bytes, pstate) & mode_32_bit))
		return false;
	for (int number = 0; number <= STACK_POINTER; number++)
		ret->set(number, word(bytes, static_cast<size_t>(number)));
	ret->pc = word(bytes, pc);
	return true;
}

uint64_t plain_address(uint64_t address)
{
	/* The signature is above the 48 bits that Linux gives programs that do not ask for more. */
	return address & ((UINT64_C(1) << 48) - 1);
}

#endif

} // namespace forktax
