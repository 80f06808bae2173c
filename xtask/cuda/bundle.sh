#!/usr/bin/env bash
# Builds with the feature `cuda` what `xtask/cuda/check.sh` runs on a machine with a GPU, and puts it into one folder.
#
#   . TOOLKIT/env.sh && xtask/cuda/bundle.sh FOLDER
set -euo pipefail

folder=${1:?usage: bundle.sh FOLDER}
mkdir -p "$folder/tests"
folder=$(cd "$folder" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-target}

cargo build --release --locked --features cuda
cargo build --release --locked --package xtask
cargo build --release --locked --features cuda --package llp-nn --example train_step
cargo build --release --locked --features cuda --package llp-kernels --example device_layers
cp "$target/release/llp" "$target/release/xtask" "$target"/release/examples/{train_step,device_layers} "$folder"

# Those tests that ask which devices there are.
tests=(--package llp-kernels --package llp-loss --package llp-nn --lib --test devices)
cargo test --release --locked --features cuda "${tests[@]}" --no-run --message-format json |
    grep -o '"executable":"[^"]*"' | cut -d '"' -f 4 | while read -r file; do cp "$file" "$folder/tests"; done
ls -l "$folder" "$folder/tests"
