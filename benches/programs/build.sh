#!/bin/sh
# Rebuilds the objects here, which are committed so that nobody needs clang to run
# the benches. They were made by Debian's clang and llvm-strip 19.1.7 (apt packages
# clang-19 and llvm-19, 1:19.1.7-3~deb12u1).
#
# CPU v3, not v4: so that engines without v4 run the same bytes. -fno-builtin: or
# clang would turn loops into calls of memcpy and memset, which BPF has not. The
# stripped objects keep BTF and its line info.
set -eu
cd "$(dirname "$0")"

clang=${CLANG:-clang-19}
strip=${LLVM_STRIP:-llvm-strip-19}
flags='-target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -fno-builtin -fdebug-compilation-dir=.'

"$clang" --version | head -n 1
for source in *.c; do
	object=${source%.c}.o
	"$clang" $flags -c "$source" -o "$object"
	"$strip" -g "$object"
done
ls -l ./*.o
