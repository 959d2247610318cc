#!/bin/sh
# Compiles libchasqui and compares its instruction sets with its plain C. For ARM on another machine:
#   CC=aarch64-linux-gnu-gcc RUN='qemu-aarch64 -L /usr/aarch64-linux-gnu' src/test/c/compare.sh
set -eu

here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-cc}
export CC
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/../../main/c/build.sh" "$work"
"$CC" -std=gnu11 -O2 -Wall -Wextra -Werror "$here/compare.c" "$work"/*/libchasqui.so \
  -Wl,-rpath,"$(dirname "$work"/*/libchasqui.so)" -o "$work/compare"
${RUN:-} "$work/compare" "$@"
