/* SPDX-License-Identifier: MIT */
/*
 * The two calls that C cannot make: the child comes back on another stack, where no frame of the caller exists.
 * It takes its function and argument from *entry, which is in memory of the slot, for the parent may long be elsewhere.
 * A NULL stack (fork) works too: the child then goes on upon its copy of the caller's.
 */
#include "clone.h"

#if defined(__x86_64__)
__asm__(".text\n"
	".type raw_clone3, @function\n"
	".globl raw_clone3\n"
	".hidden raw_clone3\n"
	"raw_clone3:\n"
	".cfi_startproc\n"
	"	mov	%rdx, %r9\n" /* entry: the kernel keeps r9 */
	"	mov	$435, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jz	.Lchild\n"
	"	ret\n"
	".cfi_endproc\n"
	".size raw_clone3, . - raw_clone3\n"

	".type raw_clone, @function\n"
	".globl raw_clone\n"
	".hidden raw_clone\n"
	"raw_clone:\n"
	".cfi_startproc\n"
	"	mov	%rcx, %r10\n" /* the system call's fourth argument; entry is in r9 */
	"	mov	$56, %eax\n"
	"	syscall\n"
	"	test	%rax, %rax\n"
	"	jz	.Lchild\n"
	"	ret\n"
	".Lchild:\n"
	".cfi_undefined rip\n" /* unwinders: the stack ends here */
	"	xor	%ebp, %ebp\n"
	"	and	$-16, %rsp\n"
	"	mov	8(%r9), %rdi\n"
	"	call	*(%r9)\n"
	"	mov	%eax, %edi\n"
	"	mov	$231, %eax\n" /* exit_group */
	"	syscall\n"
	"	hlt\n"
	".cfi_endproc\n"
	".size raw_clone, . - raw_clone\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".type raw_clone3, %function\n"
	".globl raw_clone3\n"
	".hidden raw_clone3\n"
	"raw_clone3:\n"
	".cfi_startproc\n"
	"	mov	x5, x2\n"
	"	mov	x8, #435\n"
	"	svc	#0\n"
	"	cbz	x0, .Lchild\n"
	"	ret\n"
	".cfi_endproc\n"
	".size raw_clone3, . - raw_clone3\n"

	".type raw_clone, %function\n"
	".globl raw_clone\n"
	".hidden raw_clone\n"
	"raw_clone:\n"
	".cfi_startproc\n"
	"	mov	x6, x3\n" /* arm64 has tls before child_tid */
	"	mov	x3, x4\n"
	"	mov	x4, x6\n"
	"	mov	x8, #220\n"
	"	svc	#0\n"
	"	cbz	x0, .Lchild\n"
	"	ret\n"
	".Lchild:\n"
	".cfi_undefined x30\n"
	"	mov	x29, #0\n"
	"	mov	x30, #0\n"
	"	ldp	x1, x0, [x5]\n"
	"	blr	x1\n"
	"	mov	x8, #94\n" /* exit_group */
	"	svc	#0\n"
	"	brk	#1\n"
	".cfi_endproc\n"
	".size raw_clone, . - raw_clone\n");
#endif
