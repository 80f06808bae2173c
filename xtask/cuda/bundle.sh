#!/usr/bin/env bash
# Builds with the feature `cuda` what `xtask/cuda/check.sh` runs on a machine with a GPU, and puts it into one folder of at
# most 58 MiB, with a fixed part of CIFAR-10.
#
#   . TOOLKIT/env.sh && xtask/cuda/bundle.sh FOLDER CIFAR10
#
# CIFAR10 holds the hub's Parquet files of uoft-cs/cifar10.
set -euo pipefail

usage='usage: bundle.sh FOLDER CIFAR10'
folder=${1:?$usage}
data=$(cd "${2:?$usage}" && pwd)
LIMIT=$((58 << 20))
N_TRAIN=15000 N_TEST=5000 SEED=0
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
target=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work"/{programs,tests}

# Kernels that nothing here calls would be most of each program.
NVCC=$("$here/lean_nvcc.sh" --install "$target/lean-nvcc")
export NVCC
all=(--release --locked --workspace --features cuda)
cargo build "${all[@]}" --bin llp --bin xtask --example train_step --example device_layers
# By itself: what its crate's tests need would have everything else built again.
cargo build --release --locked --package llp-bags --features table --example image_subset
cp "$target"/release/{llp,xtask} "$target"/release/examples/{train_step,device_layers,image_subset} "$work/programs"
# The tests that ask which devices there are, each crate's under its own name.
cargo test "${all[@]}" --test devices --no-run --message-format json |
    sed -n 's|.*"package_id":"[^"]*/\(llp[a-z-]*\)#.*"executable":"\([^"]*\)".*|\1 \2|p' |
    while read -r crate file; do cp "$file" "$work/tests/$crate"; done
rm -f "$work/tests/llp" # tests of the command line, which need no GPU
strip "$work"/{programs,tests}/*
rm -rf "$folder"/{programs.tar.xz,cifar10-subset}
"$work/programs/image_subset" choose "$data" "$folder/cifar10-subset" "$N_TRAIN" "$N_TEST" "$SEED"
# They share most of their content, so a window that is larger than each of them finds it again.
tar -C "$work" -c programs tests | xz --lzma2=preset=1,dict=64MiB >"$folder/programs.tar.xz"

bytes=$(find "$folder" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
printf '%s: %s bytes of at most %s; unpacked programs: %s bytes\n' "$folder" "$bytes" "$LIMIT" \
    "$(find "$work" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')"
[ "$bytes" -le "$LIMIT" ] || {
    echo "the bundle is too large: was $target built before with all of candle's kernels? Choose another CARGO_TARGET_DIR" >&2
    exit 1
}
