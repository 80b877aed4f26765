/* SPDX-License-Identifier: MIT */
#pragma once

/* Calls what it is given. It is in a shared library. */
void middle(void (*callee)(void));
