// SPDX-License-Identifier: MIT
#include "chain.h"

void middle(void (*callee)(void))
{
	static volatile int after;

	callee();
	after++;
}
