#!/bin/bash
# Functions that boot a kernel in an emulated machine. For whoever sources this.
# shellcheck disable=SC2034

# x86-64|arm64: sets `machine`, the command, `arguments`, those of the kernel, and `debian_arch`.
choose_machine() {
	# Plain emulation is slower than KVM, but the same everywhere, and nested KVM is not reliable. One thread runs both CPUs.
	# With two threads, one CPU may run a breakpoint that the other, which patches the kernel to switch a tracepoint, has already
	# removed ("Oops: int3").
	local emulation=(-accel "tcg,thread=single" -smp 2)
	case $1 in
		x86-64)
			debian_arch=amd64
			machine=(qemu-system-x86_64 "${emulation[@]}" -cpu max -m 2048 -serial 'file:%s' -serial stdio)
			arguments='console=ttyS0 TESTS_TTY=ttyS1'
			;;
		arm64)
			debian_arch=arm64
			# Emulating the architecture's own cipher for pointer authentication would take most of the time.
			machine=(qemu-system-aarch64 -M virt "${emulation[@]}" -cpu "max,pauth-impdef=on" -m 3072 -serial 'file:%s'
				-chardev "stdio,id=tests" -device "pci-serial,chardev=tests")
			arguments='console=ttyAMA0 TESTS_TTY=ttyS0'
			;;
		*) return 2 ;;
	esac
}

# FOLDER KERNEL INITRAMFS SECONDS: boots, and prints what the guest's init prints. FOLDER gets that as tests.log, what the kernel says as
# console.log, and what qemu says as qemu.log.
boot() {
	timeout "$4" "${machine[@]//%s/$1/console.log}" -nodefaults -display none -no-reboot \
		-kernel "$2" -initrd "$3" -append "$arguments quiet panic=1" </dev/null 2>"$1/qemu.log" | tee "$1/tests.log"
}

# FOLDER: whether all went well. Says what there is to say if the guest did not end.
guest_passed() {
	local status
	status=$(sed -n 's/^guest status //p' "$1/tests.log" | tail -n 1)
	[ "$status" != 0 ] || return 0
	if [ -z "$status" ]; then
		say "$1: the machine stopped, or was stopped after its time, before its tests ended"
		grep -aE 'panic|BUG|Oops|Out of memory' "$1/console.log" >&2
		say "what its kernel said is in $1/console.log, what its tests said in $1/tests.log"
	fi
	return 1
}
