/* SPDX-License-Identifier: MIT */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace forktax
{

/* The copied part of a thread's stack. It remembers why a read failed. */
class Stack
{
      public:
	Stack(uint64_t start, const uint8_t *bytes, size_t size) : start_(start), bytes_(bytes), size_(size)
	{
	}

	/* Reads `size` bytes, 8 at most, as a number. False: they were not copied. */
	bool read(uint64_t address, size_t size, uint64_t *ret) const
	{
		uint64_t offset = address - start_;

		if (size > sizeof(*ret))
			return false;
		if (address < start_ || offset > size_ || size_ - offset < size) {
			/* Stacks grow down: what is missing of one is above the copied part. A stack takes 1 GiB at most. */
			too_short_ = too_short_ || (address >= start_ && offset < (UINT64_C(1) << 30));
			return false;
		}
		*ret = 0;
		memcpy(ret, bytes_ + offset, size);
		return true;
	}

	/* A word was wanted that can only be in the part of the stack that was not copied. */
	bool too_short() const
	{
		return too_short_;
	}

      private:
	uint64_t start_;
	const uint8_t *bytes_;
	size_t size_;
	mutable bool too_short_ = false;
};

} // namespace forktax
