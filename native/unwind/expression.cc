// SPDX-License-Identifier: MIT
#include "expression.h"

#include <dwarf.h>

namespace forktax
{

namespace
{

constexpr size_t MAX_STEPS = 4096;
constexpr size_t MAX_DEPTH = 64;

/* A stack of numbers that keeps its own bounds: after a mistake, `good` is false, and what is read is 0. */
class Operands
{
      public:
	bool good = true;

	void push(uint64_t value)
	{
		if (size_ == MAX_DEPTH)
			good = false;
		else
			values_[size_++] = value;
	}
	uint64_t pop()
	{
		if (size_ == 0)
			return good = false, 0;
		return values_[--size_];
	}
	/* 0 is the last one. */
	uint64_t peek(size_t depth)
	{
		if (depth >= size_)
			return good = false, 0;
		return values_[size_ - 1 - depth];
	}

      private:
	uint64_t values_[MAX_DEPTH];
	size_t size_ = 0;
};

int64_t as_signed(uint64_t value)
{
	return static_cast<int64_t>(value);
}

bool divide(uint8_t atom, uint64_t a, uint64_t b, uint64_t *ret)
{
	if (b == 0)
		return false;
	if (atom == DW_OP_mod)
		*ret = a % b;
	else if (as_signed(b) == -1)
		*ret = -a; /* Also the lowest number, whose quotient has no signed value. */
	else
		*ret = static_cast<uint64_t>(as_signed(a) / as_signed(b));
	return true;
}

uint64_t shift(uint8_t atom, uint64_t a, uint64_t b)
{
	if (atom == DW_OP_shl)
		return b < 64 ? a << b : 0;
	if (atom == DW_OP_shr)
		return b < 64 ? a >> b : 0;
	return static_cast<uint64_t>(as_signed(a) >> (b < 64 ? b : 63));
}

bool binary(uint8_t atom, uint64_t a, uint64_t b, uint64_t *ret)
{
	switch (atom) {
	case DW_OP_plus:
		return *ret = a + b, true;
	case DW_OP_minus:
		return *ret = a - b, true;
	case DW_OP_mul:
		return *ret = a * b, true;
	case DW_OP_and:
		return *ret = a & b, true;
	case DW_OP_or:
		return *ret = a | b, true;
	case DW_OP_xor:
		return *ret = a ^ b, true;
	case DW_OP_eq:
		return *ret = a == b, true;
	case DW_OP_ne:
		return *ret = a != b, true;
	case DW_OP_lt:
		return *ret = as_signed(a) < as_signed(b), true;
	case DW_OP_le:
		return *ret = as_signed(a) <= as_signed(b), true;
	case DW_OP_gt:
		return *ret = as_signed(a) > as_signed(b), true;
	case DW_OP_ge:
		return *ret = as_signed(a) >= as_signed(b), true;
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		return *ret = shift(atom, a, b), true;
	case DW_OP_div:
	case DW_OP_mod:
		return divide(atom, a, b, ret);
	default:
		return false;
	}
}

bool unary(const Dwarf_Op &op, const Stack &stack, uint64_t a, uint64_t *ret)
{
	switch (op.atom) {
	case DW_OP_neg:
		return *ret = -a, true;
	case DW_OP_not:
		return *ret = ~a, true;
	case DW_OP_abs:
		return *ret = as_signed(a) < 0 ? -a : a, true;
	case DW_OP_plus_uconst:
		return *ret = a + op.number, true;
	case DW_OP_deref:
		return stack.read(a, 8, ret);
	case DW_OP_deref_size:
		return op.number >= 1 && stack.read(a, op.number, ret);
	default:
		return false;
	}
}

/* Operations that push a constant, which libdw has decoded. */
bool constant(const Dwarf_Op &op, uint64_t *ret)
{
	if (op.atom >= DW_OP_lit0 && op.atom <= DW_OP_lit31)
		return *ret = op.atom - DW_OP_lit0, true;
	switch (op.atom) {
	case DW_OP_addr:
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		return *ret = op.number, true;
	default:
		return false;
	}
}

/* Operations on a register: its content and an offset, or (`ret_register`) the register itself. */
bool of_register(const Dwarf_Op &op, int *ret_number, uint64_t *ret_offset, bool *ret_register)
{
	*ret_register = false;
	if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31)
		return *ret_number = op.atom - DW_OP_breg0, *ret_offset = op.number, true;
	if (op.atom == DW_OP_bregx)
		return *ret_number = static_cast<int>(op.number), *ret_offset = op.number2, true;
	*ret_register = true;
	*ret_offset = 0;
	if (op.atom >= DW_OP_reg0 && op.atom <= DW_OP_reg31)
		return *ret_number = op.atom - DW_OP_reg0, true;
	return op.atom == DW_OP_regx && (*ret_number = static_cast<int>(op.number), true);
}

bool rearrange(const Dwarf_Op &op, Operands *operands)
{
	uint64_t a, b, c;

	switch (op.atom) {
	case DW_OP_dup:
		return operands->push(operands->peek(0)), true;
	case DW_OP_over:
		return operands->push(operands->peek(1)), true;
	case DW_OP_pick:
		return operands->push(operands->peek(op.number)), true;
	case DW_OP_drop:
		return operands->pop(), true;
	case DW_OP_swap:
		a = operands->pop(), b = operands->pop();
		return operands->push(a), operands->push(b), true;
	case DW_OP_rot:
		a = operands->pop(), b = operands->pop(), c = operands->pop();
		return operands->push(a), operands->push(c), operands->push(b), true;
	default:
		return false;
	}
}

/* The operation that a jump leads to; `count` for the end. False: it leads into the middle of one, or out of all. */
bool jump(const Dwarf_Op *ops, size_t count, size_t from, size_t *ret)
{
	/* The offset counts from the end of the jump, which takes 3 bytes. */
	uint64_t target = ops[from].offset + 3 + ops[from].number;

	for (size_t i = 0; i < count; i++)
		if (ops[i].offset == target)
			return *ret = i, true;
	return target > ops[count - 1].offset && (*ret = count, true);
}

} // namespace

bool evaluate(const Dwarf_Op *ops, size_t count, const Surroundings &at, bool *ret_is_location, uint64_t *ret)
{
	Operands operands;
	size_t steps = 0;

	*ret_is_location = true;
	for (size_t i = 0; i < count && operands.good; i++) {
		const Dwarf_Op &op = ops[i];
		uint64_t value, offset;
		bool is_register;
		int number;

		if (++steps > MAX_STEPS)
			return false;
		if (constant(op, &value)) {
			operands.push(value);
		} else if (of_register(op, &number, &offset, &is_register)) {
			if (!at.registers.knows(number))
				return false;
			operands.push(at.registers.get(number) + offset);
			*ret_is_location = !is_register;
		} else if (op.atom == DW_OP_call_frame_cfa) {
			operands.push(at.cfa);
		} else if (op.atom == DW_OP_stack_value) {
			*ret_is_location = false;
			break;
		} else if (op.atom == DW_OP_bra || op.atom == DW_OP_skip) {
			if (op.atom == DW_OP_bra && operands.pop() == 0)
				continue;
			if (!jump(ops, count, i, &i))
				return false;
			i--; /* the loop adds 1 */
		} else if (op.atom != DW_OP_nop && !rearrange(op, &operands)) {
			uint64_t top = operands.pop();
			if (!unary(op, at.stack, top, &value) && !binary(op.atom, operands.pop(), top, &value))
				return false;
			operands.push(value);
		}
	}
	*ret = operands.pop();
	return operands.good;
}

} // namespace forktax
