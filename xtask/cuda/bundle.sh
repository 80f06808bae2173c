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

all=(--release --locked --workspace --features cuda)
cargo build "${all[@]}" --bins --example train_step --example device_layers
cp "$target/release/llp" "$target/release/xtask" "$target"/release/examples/{train_step,device_layers} "$folder"

# Those tests that ask which devices there are, each crate's under its own name.
cargo test "${all[@]}" --test devices --no-run --message-format json |
    sed -n 's|.*"package_id":"[^"]*/\(llp[a-z-]*\)#.*"executable":"\([^"]*\)".*|\1 \2|p' |
    while read -r crate file; do cp "$file" "$folder/tests/$crate"; done
rm -f "$folder/tests/llp" # tests of the command line, which need no GPU
strip "$folder"/{llp,xtask,train_step,device_layers} "$folder"/tests/*
ls -l "$folder" "$folder/tests"
