// SPDX-License-Identifier: MIT
/* A _start without call frame information, as arm64's glibc 2.31 has. Linked with -nostartfiles. */
#include <stdlib.h>

int main(int argc, char **argv);

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call begin\n\t"
	"hlt");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n\t"
	"mov x29, #0\n\t"
	"mov x30, #0\n\t"
	"mov x0, sp\n\t"
	"bl begin\n\t"
	"brk #0");
#endif

void begin(long *stack);
void begin(long *stack)
{
	exit(main(stack[0], (char **)(stack + 1)));
}
