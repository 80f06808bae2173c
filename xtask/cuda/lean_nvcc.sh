#!/usr/bin/env bash
# An nvcc that leaves candle's kernels for quantized weights and mixtures of experts out, which nothing here calls: they take
# more than 3 MB of every program for each of ten formats, and most of the time that it takes to build one.
#
#   . TOOLKIT/env.sh && export NVCC=$(xtask/cuda/lean_nvcc.sh --install FOLDER) && cargo build --features cuda
#
# `--install` makes FOLDER/bin/nvcc, beside links to the toolkit that PATH has, and prints its path. In the place of those
# kernels each program gets functions of their names that end it.
set -euo pipefail

if [ "${1:-}" = --install ]; then
    real=$(readlink -f "$(command -v nvcc)")
    folder=${2:?usage: lean_nvcc.sh --install FOLDER}
    mkdir -p "$folder/bin"
    folder=$(cd "$folder" && pwd)
    for part in "$(dirname "$real")"/../*; do
        [ "$(basename "$part")" = bin ] || ln -sfn "$(readlink -f "$part")" "$folder/$(basename "$part")"
    done
    { printf '#!/usr/bin/env bash\nREAL_NVCC=%q\n' "$real" && tail -n +2 "${BASH_SOURCE[0]}"; } >"$folder/bin/nvcc"
    chmod +x "$folder/bin/nvcc"
    echo "$folder/bin/nvcc"
    exit
fi

for argument in "$@"; do
    case $argument in
    src/moe/*.cu | src/mmq_gguf/*.cu | src/mmvq_gguf.cu) left_out=$argument ;;
    esac
done
[ -n "${left_out:-}" ] || exec "$REAL_NVCC" "$@"

while [ "$1" != -o ]; do shift; done
object=$2
# One of the objects has all functions.
if [ "$left_out" = src/moe/moe_gguf.cu ]; then
    echo '#include <stdlib.h>'
    sed -n 's/^ *pub fn \([a-z0-9_]*\)(.*/void \1(void) { abort(); }/p' src/ffi.rs
fi | "${CC:-cc}" -w -fPIC -c -x c -o "$object" -
