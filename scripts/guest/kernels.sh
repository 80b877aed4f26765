#!/bin/bash
# Functions that find and fetch Debian's kernels. Whoever sources this sets `cache`, the folder for them, and `apt`, what stands before
# each command of apt, and defines `say`.
# shellcheck disable=SC2154

# Gives the current package of a metapackage, such as linux-image-6.1.0-56-cloud-amd64.
kernel_package() {
	"${apt[@]}" apt-cache depends "$1" 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }'
}

# Leaves the kernel in $cache/PACKAGE/vmlinuz.
fetch_kernel() {
	local package=$1 folder=$cache/$1
	[ -e "$folder/vmlinuz" ] && return
	say "fetching $package"
	rm -rf "$folder"
	mkdir -p "$folder"
	(cd "$folder" && "${apt[@]}" apt-get download -qq "$package") 2>"$folder/apt.log" || { cat "$folder/apt.log" >&2; return 1; }
	dpkg --fsys-tarfile "$folder"/*.deb | tar -x --wildcards -C "$folder" './boot/vmlinuz-*' || return
	rm "$folder"/*.deb
	mv "$folder"/boot/vmlinuz-* "$folder/vmlinuz"
}
