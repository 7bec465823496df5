#!/bin/sh
# Rebuilds the objects in bpf/, which are committed so that nobody needs clang to
# run them. They were made by Debian's clang 19.1.7 (apt package clang-19,
# 1:19.1.7-3~deb12u1); the same clang gives the same bytes from any directory.
# Another clang: CLANG=clang-20 examples/build.sh
set -eu
cd "$(dirname "$0")/bpf"

clang=${CLANG:-clang-19}
flags='-target bpf -mcpu=v4 -O2 -Wall -Wextra -Werror -fdebug-compilation-dir=.'

"$clang" --version | head -n 1
for name in firewall flows filter rewrite; do
	"$clang" $flags -g -c "$name.c" -o "$name.o"
done
# An object from before BTF: no -g, so no BTF and no line info.
"$clang" $flags -c legacy.c -o legacy.o
ls -l ./*.o
