#!/bin/sh
# Compiles libchasqui.so into DIRECTORY/<os>-<arch>/, and, if ARCHIVE names a file, the same for
# executables that link it statically. CC chooses the compiler, and with it the
# processor: CC=aarch64-linux-gnu-gcc compiles for ARM. Without a compiler this says so and
# succeeds: the program then runs its Java kernels.
set -eu

directory=${1:?usage: build.sh DIRECTORY [ARCHIVE]}
archive=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
CC=${CC:-cc}

if ! command -v "$CC" >/dev/null 2>&1; then
  echo "No C compiler ($CC): building without native kernels. Install gcc or set CC for full speed."
  exit 0
fi
target=$("$CC" -dumpmachine)
case $target in
  x86_64-*linux*) platform=linux-x86_64 ;;
  aarch64-*linux*) platform=linux-aarch64 ;;
  *)
    echo "No native kernels for $target: building without them."
    exit 0
    ;;
esac

library=$directory/$platform/libchasqui.so
is_fresh() {
  [ -f "$1" ] && [ -z "$(find "$here" -newer "$1" -type f)" ]
}
if is_fresh "$library" && { [ -z "$archive" ] || is_fresh "$archive"; }; then
  exit 0
fi
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# No contraction and no -ffast-math: every instruction set must give the same bits.
flags="-std=gnu11 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math \
-Wall -Wextra -Werror"

compile() {
  source=$1
  shift
  "$CC" $flags "$@" -c "$here/$source.c" -o "$objects/$source.o"
}

compile dispatch
compile isa_portable
case $platform in
  linux-x86_64)
    avx512="-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mf16c -mprefer-vector-width=512"
    compile isa_avx512vnni $avx512 -mavx512vnni
    compile isa_avx512 $avx512
    compile isa_avx2 -mavx2 -mfma -mf16c
    ;;
  linux-aarch64)
    compile isa_neon -march=armv8.2-a+dotprod
    ;;
esac

mkdir -p "$directory/$platform"
"$CC" -shared -o "$library" "$objects"/*.o -lm
if [ -n "$archive" ]; then
  mkdir -p "$(dirname "$archive")"
  rm -f "$archive"
  "${AR:-ar}" rcs "$archive" "$objects"/*.o
fi
echo "Compiled $library"
