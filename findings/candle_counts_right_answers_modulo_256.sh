#!/usr/bin/env bash
# candle-core 0.11.1: comparisons return u8 tensors, and sum_all keeps the type and wraps around. So the number of
# right predictions, predicted.eq(labels).sum_all(), is that number modulo 256: 1000 right ones of 1000 count as 232,
# 256 as 0. The mean of a comparison, which should be the accuracy, is always 0, for it divides in u8 as well.
# PyTorch, NumPy and pandas count comparisons in 64-bit integers.
# Seen: 255 right: sum 255, mean 0; 256: sum 0, mean 0; 1000: sum 232, mean 0. As f32: 1000 and 1.
# Compiles candle, unoptimized but with the overflow rules of a release build: two and a half minutes of processor
# time.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR="$folder/target"
cargo init --quiet --name look "$folder"
printf 'candle-core = "=0.11.1"\n[profile.dev]\ndebug = false\noverflow-checks = false\n' >> "$folder/Cargo.toml"
cat > "$folder/src/main.rs" <<'RUST'
use candle_core::{DType, Device, Result, Tensor};

fn main() -> Result<()> {
    let mut counts = Vec::new();
    for length in [255, 256, 1000] {
        let labels = Tensor::zeros(length, DType::U32, &Device::Cpu)?;
        let right = labels.eq(&labels)?;
        let (sum, mean) = (right.sum_all()?.to_scalar::<u8>()?, right.mean_all()?.to_scalar::<u8>()?);
        let floats = right.to_dtype(DType::F32)?;
        let (true_sum, accuracy) = (floats.sum_all()?.to_scalar::<f32>()?, floats.mean_all()?.to_scalar::<f32>()?);
        println!("{length} right: sum {sum}, mean {mean}; as f32 {true_sum} and {accuracy}");
        counts.push((sum, mean));
    }
    if counts != [(255, 0), (0, 0), (232, 0)] {
        println!("changed: counts of comparisons no longer wrap at 256");
        std::process::exit(1);
    }
    Ok(())
}
RUST
cd "$folder"
cargo run --quiet
