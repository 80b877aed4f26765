/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The slot of a value in a histogram of spawn.h. No BPF: a test compiles it as it is. */
#ifndef FORKTAX_SLOT_H
#define FORKTAX_SLOT_H

#include "spawn.h"

/*
 * How a scale divides the values. Each power of two is cut into eighths. An eighth is narrower than a slot, so all its
 * values are in the slot of its lowest one, or in the next.
 */
struct scale {
	__u32 bounds;
	__u32 schema;	   /* 2^schema slots for each power of two */
	__u32 lowest_log2; /* of the lowest bound, rounded down */
	/* A hexadecimal digit for each eighth, the first one's last: the slot of its lowest value, in the power of two that
	 * follows the lowest bound's. */
	__u32 eighths;
};

static const struct scale time_scale = {TIME_BOUNDS, 2, 11, 0x54433221};
static const struct scale lifetime_scale = {LIFETIME_BOUNDS, 1, 15, 0x32222111};
static const struct scale size_scale = {SIZE_BOUNDS, 1, 12, 0x44443332};

/*
 * The position of the highest bit of a value from 1 to 2^63 - 1. The sign of a difference compares without a branch, so
 * the verifier has one path to follow instead of 64.
 */
static inline __attribute__((always_inline)) __u32 log2_of(__u64 value)
{
	__u32 log2 = 0, shift;

	shift = (__u32)((0xffffffffULL - value) >> 63) << 5;
	value >>= shift;
	log2 += shift;
	shift = (__u32)((0xffffULL - value) >> 63) << 4;
	value >>= shift;
	log2 += shift;
	shift = (__u32)((0xffULL - value) >> 63) << 3;
	value >>= shift;
	log2 += shift;
	shift = (__u32)((0xfULL - value) >> 63) << 2;
	value >>= shift;
	log2 += shift;
	shift = (__u32)((0x3ULL - value) >> 63) << 1;
	value >>= shift;
	log2 += shift;
	return log2 + (__u32)(value >> 1);
}

/* The slot of the first bound that is not below the value; `scale.bounds` if all are. Bounds are at least 8. */
static inline __attribute__((always_inline)) __u32 slot_of(const volatile __u64 *bounds, struct scale scale,
							   __u64 value)
{
	__u32 log2, eighth, slot;

	if (value <= bounds[0])
		return 0;
	if (value > bounds[scale.bounds - 1])
		return scale.bounds;
	log2 = log2_of(value);
	eighth = (value >> (log2 - 3)) & 7;
	slot = ((log2 - scale.lowest_log2 - 1) << scale.schema) + (scale.eighths >> (4 * eighth) & 15);
	if (slot >= scale.bounds)
		return scale.bounds;
	return slot + (value > bounds[slot]);
}

#endif
