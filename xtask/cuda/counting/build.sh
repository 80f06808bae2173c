#!/usr/bin/env bash
# Makes the libraries that play a GPU, count what is asked of it, and compute it if they shall (`counting.c`), in
# TOOLKIT/counting.
#
#   xtask/cuda/counting/build.sh TOOLKIT
#   LLP_CUDA_COUNTS=FILE LD_LIBRARY_PATH=TOOLKIT/counting:TOOLKIT/lib PROGRAM --device cuda
#   LLP_CUDA_COMPUTE=1 LD_LIBRARY_PATH=TOOLKIT/counting:TOOLKIT/lib cargo test --features cuda --test devices
#
# TOOLKIT is what `xtask/cuda/toolkit.sh` has made. One library has the names of all four: the loader takes files that are
# the same for one, so they count together. CUDA's runtime and NVRTC need no GPU and stay what they are.
set -euo pipefail

toolkit=$(cd "${1:?usage: build.sh TOOLKIT}" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$toolkit/env.sh"
made=$toolkit/counting
mkdir -p "$made"

# Programs name every function that they may call; all but those of `counting.c` end the process with their name.
{
    echo '#include <stdio.h>'
    echo '#include <stdlib.h>'
    {
        grep -ohE '\bcu[A-Z][A-Za-z0-9_]*' "$CUDA_HOME/include/cuda.h"
        nm -D --defined-only "$toolkit"/lib/lib{cublas.so.13,cublasLt.so.13,curand.so.10,cudnn.so.9} |
            sed -n 's/.* T \([a-zA-Z0-9_]*\).*/\1/p'
    } | sort -u |
        sed 's/.*/__attribute__((weak)) int &(void) { fputs("&: counting.c does not play it\\n", stderr); abort(); }/'
} >"$made/others.c"
include=(-I "$here" -I "$CUDA_HOME/include" -I "$CUDA_HOME/../cudnn/include")
for part in "$here/counting.c" "$made/others.c"; do
    "${CC:-cc}" -w -O1 -fPIC "${include[@]}" -c -o "$made/$(basename "$part").o" "$part"
done

# The kernels in the order of the library, in their emulator.
cuda=$here/../../../crates/llp-kernels/src/cuda
{
    cat "$cuda/emulator/emulator.h"
    sed -n 's|.*include_str!("\(kernels/.*\)").*|\1|p' "$cuda/mod.rs" | while read -r file; do cat "$cuda/$file"; done
    cat "$cuda/emulator/table.h" "$here/computing.cpp"
} >"$made/computing.cpp"
# NVIDIA's libraries name themselves as the version of their functions.
for name in cublas.so.13 cublasLt.so.13 curand.so.10 cudnn.so.9; do
    printf 'lib%s { global: %s*; };\n' "$name" "${name%%.*}"
done >"$made/versions"
"${CXX:-c++}" -std=c++17 -O2 -fPIC "${include[@]}" -shared -Wl,-soname,libcuda.so.1 \
    -Wl,--version-script="$made/versions" -o "$made/libcuda.so.1" "$made"/*.o "$made/computing.cpp"
for name in libcublas.so.13 libcublasLt.so.13 libcurand.so.10 libcudnn.so.9; do
    ln -sf libcuda.so.1 "$made/$name"
done
echo "ready: LD_LIBRARY_PATH='$made:$toolkit/lib'"
