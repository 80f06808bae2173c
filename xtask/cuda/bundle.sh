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
rm -rf "${folder:?}"/{programs,tests,cifar10-subset}
mkdir "$folder"/{programs,tests}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}

all=(--release --locked --workspace --features cuda)
cargo build "${all[@]}" --bins --example train_step --example device_layers --example image_subset
cp "$target"/release/{llp,xtask} "$target"/release/examples/{train_step,device_layers,image_subset} "$folder/programs"
# The tests that ask which devices there are, each crate's under its own name.
cargo test "${all[@]}" --test devices --no-run --message-format json |
    sed -n 's|.*"package_id":"[^"]*/\(llp[a-z-]*\)#.*"executable":"\([^"]*\)".*|\1 \2|p' |
    while read -r crate file; do cp "$file" "$folder/tests/$crate"; done
rm -f "$folder/tests/llp" # tests of the command line, which need no GPU
strip "$folder"/{programs,tests}/*
"$folder/programs/image_subset" choose "$data" "$folder/cifar10-subset" "$N_TRAIN" "$N_TEST" "$SEED"
