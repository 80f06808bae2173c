#!/usr/bin/env bash
# candle-nn 0.11.1: binary_cross_entropy_with_logit is not the stable form its name promises (softplus of the logit,
# as in PyTorch). It takes the sigmoid first and then logarithms, so one right answer with a logit of 17 or more,
# whose sigmoid is 1 in f32, makes the loss of the whole batch NaN (0 * log 0) and its gradient too: training breaks
# once the network is sure and right. For the other class the limit is -89, not -17. PyTorch gives 4.1e-8 here.
# Seen: logit 16 target 1: 1.1921e-7; 17, target 1: NaN, gradient NaN; -17, target 0: 5.9605e-8.
# Compiles candle: about two and a half minutes of processor time.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR="$folder/target"
cargo init --quiet --name look "$folder"
printf 'candle-core = "=0.11.1"\ncandle-nn = "=0.11.1"\n[profile.dev]\ndebug = false\n' >> "$folder/Cargo.toml"
cat > "$folder/src/main.rs" <<'RUST'
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::loss::binary_cross_entropy_with_logit;

fn loss_and_gradient(logit: f32, target: f32) -> Result<(f32, f32)> {
    let logits = Var::new(&[logit], &Device::Cpu)?;
    let loss = binary_cross_entropy_with_logit(&logits, &Tensor::new(&[target], &Device::Cpu)?)?;
    let gradient = loss.backward()?.get(&logits).expect("a gradient").to_vec1()?[0];
    let loss = loss.to_scalar()?;
    println!("logit {logit}, target {target}: loss {loss:e}, gradient {gradient:e}");
    Ok((loss, gradient))
}

fn main() -> Result<()> {
    let right = loss_and_gradient(16.0, 1.0)?.0 < 1e-6 && loss_and_gradient(-17.0, 0.0)?.0 < 1e-6;
    let (loss, gradient) = loss_and_gradient(17.0, 1.0)?;
    if !right || !loss.is_nan() || !gradient.is_nan() {
        println!("changed: the loss or the gradient is another number");
        std::process::exit(1);
    }
    Ok(())
}
RUST
cd "$folder"
cargo run --quiet
