#!/usr/bin/env bash
# linfa 0.8.1: the ROC curve lacks its first point (0, 0) when the lowest score is 0, so that the area under it comes
# out too small. The curve starts where a score differs from the one before, and the one before the first counts as 0.
# Scores of 0 are common: saturated sigmoids, shares of votes, clipped or hard predictions. The same scores plus 0.1
# are right.
# Seen (true areas 0.5 and 0.75): a constant score of 0 has area 0, of 0.1 area 0.5; the scores 0 0 0 1 have 0.5, the
# scores 0.1 0.1 0.1 1 have 0.75.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR="$folder/target"
cargo init --quiet --name look "$folder"
printf 'linfa = "=0.8.1"\nndarray = "0.16"\n[profile.dev]\ndebug = false\n' >> "$folder/Cargo.toml"
cat > "$folder/src/main.rs" <<'RUST'
use linfa::dataset::Pr;
use linfa::prelude::*;
use ndarray::Array1;

fn area(scores: [f32; 4], truth: [bool; 4]) -> f32 {
    let probabilities: Array1<Pr> = scores.into_iter().map(Pr::new).collect();
    let area = probabilities.roc(&truth).unwrap().area_under_curve();
    println!("scores {scores:?}: area {area}");
    area
}

fn main() {
    let truth = [true, false, false, true];
    let right = [area([0.1; 4], truth), area([0.1, 0.1, 0.1, 1.0], truth)];
    let wrong = [area([0.0; 4], truth), area([0.0, 0.0, 0.0, 1.0], truth)];
    if right != [0.5, 0.75] || wrong != [0.0, 0.5] {
        println!("changed: the areas are other numbers");
        std::process::exit(1);
    }
}
RUST
cd "$folder"
cargo run --quiet
