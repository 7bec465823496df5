#!/bin/sh
# Runs every bench program as native code (cc -O2) and compares the results with
# the table in src/programs.rs. Needs a C compiler.
set -eu
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cc=${CC:-cc}

cargo run --quiet --package brolga-benches --example dump-inputs -- "$work" > "$work/expected"
"$cc" -O2 -Wall -Wextra -Werror native/driver.c -o "$work/driver" -ldl
failed=0
while read -r name expected; do
	"$cc" -O2 -Wall -Wextra -Werror -fPIC -shared "$name.c" -o "$work/$name.so"
	if ! result=$("$work/driver" "$work/$name.so" "$work/$name.in"); then
		echo "$name: the second run differs from the first"
		failed=1
	elif [ "$result" != "$expected" ]; then
		echo "$name: $result, expected $expected"
		failed=1
	fi
done < "$work/expected"
[ "$failed" = 0 ] && echo "$(wc -l < "$work/expected") programs as expected"
exit "$failed"
