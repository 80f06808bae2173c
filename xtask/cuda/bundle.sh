#!/usr/bin/env bash
# Builds with the feature `cuda` what `xtask/cuda/check.sh` runs on a machine with a GPU, and puts it into one folder.
#
#   . TOOLKIT/env.sh && xtask/cuda/bundle.sh FOLDER
set -euo pipefail

folder=${1:?usage: bundle.sh FOLDER}
rm -rf "$folder/tests"
mkdir -p "$folder/tests"
folder=$(cd "$folder" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}

cargo build --release --locked --features cuda
cargo build --release --locked --package xtask
cargo build --release --locked --features cuda --package llp-nn --example train_step
cargo build --release --locked --features cuda --package llp-kernels --example device_layers
cp "$target/release/llp" "$target/release/xtask" "$target"/release/examples/{train_step,device_layers} "$folder"

# Those tests that ask which devices there are, each crate's under its own name.
for crate in llp-kernels llp-loss llp-nn; do
    cargo test --release --locked --features cuda --package "$crate" --test devices --no-run --message-format json |
        grep -o '"executable":"[^"]*"' | cut -d '"' -f 4 | while read -r file; do cp "$file" "$folder/tests/$crate"; done
done
strip "$folder"/{llp,xtask,train_step,device_layers} "$folder"/tests/*
ls -l "$folder" "$folder/tests"
