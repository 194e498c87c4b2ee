#!/bin/bash
# Builds the kernel benchmark:
#   build.sh OUT_DIR [simd|relaxed|simd-threads|relaxed-threads|native]...
# gives OUT_DIR/bench-VARIANT.cjs for Node (run with --experimental-wasm-relaxed-simd before Node
# 21). Needs em++ on the path, or $CXX for native; flags are those of the package's build.
set -euo pipefail
out=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$out"
sources=("$root"/core/kernels/*.cc "$root/core/base/thread_pool.cc"
  "$root/tools/bench_kernels/main.cc")
common=(-std=c++20 -O3 -fno-rtti -fno-exceptions -ffp-contract=off "-I$root")
for variant in "${@:-relaxed}"; do
  flags=(-msimd128)
  [[ $variant == relaxed* ]] && flags+=(-mrelaxed-simd)
  [[ $variant == *threads ]] &&
    flags+=(-pthread -DZEOLITE_THREADS -sPTHREAD_POOL_SIZE=4 -sPROXY_TO_PTHREAD -sEXIT_RUNTIME)
  if [[ $variant == native ]]; then
    "${CXX:-g++}" "${common[@]}" -march=haswell -pthread -DZEOLITE_THREADS "${sources[@]}" \
      -o "$out/bench-native"
  else
    em++ "${common[@]}" "${flags[@]}" -sALLOW_MEMORY_GROWTH -Wno-pthreads-mem-growth \
      -sENVIRONMENT=node,worker "${sources[@]}" -o "$out/bench-$variant.cjs"
  fi
done
