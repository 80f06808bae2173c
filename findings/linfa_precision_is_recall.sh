#!/usr/bin/env bash
# linfa 0.8.1: precision() and recall() of a confusion matrix are swapped when the truth is an array, as in linfa's
# own examples, prediction.confusion_matrix(&truth). The matrix has a row for each predicted class, but the two
# formulas take rows for the truth. With the same truth in a Dataset the matrix is transposed and both are right. With
# three classes the same happens to the averages; F-beta scores (beta not 1) inherit it.
# Seen, 1 true positive, 3 false positives, 1 false negative (precision 1/4, recall 1/2): "array: precision 0.5,
# recall 0.25" and "dataset: precision 0.25, recall 0.5".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR="$folder/target"
cargo init --quiet --name look "$folder"
printf 'linfa = "=0.8.1"\nndarray = "0.16"\n[profile.dev]\ndebug = false\n' >> "$folder/Cargo.toml"
cat > "$folder/src/main.rs" <<'RUST'
use linfa::prelude::*;
use ndarray::{Array1, Array2, array};

fn main() {
    let prediction: Array1<usize> = array![1, 1, 1, 1, 0, 0, 0, 0, 0, 0];
    let truth: Array1<usize> = array![1, 0, 0, 0, 1, 0, 0, 0, 0, 0];

    let matrix = prediction.confusion_matrix(&truth).unwrap();
    let array = (matrix.precision(), matrix.recall());
    println!("array: precision {}, recall {}", array.0, array.1);

    let dataset = Dataset::new(Array2::<f64>::zeros((10, 1)), truth);
    let matrix = prediction.confusion_matrix(&dataset).unwrap();
    let dataset = (matrix.precision(), matrix.recall());
    println!("dataset: precision {}, recall {}", dataset.0, dataset.1);

    if dataset != (0.25, 0.5) || array != (0.5, 0.25) {
        println!("changed: precision and recall are other numbers");
        std::process::exit(1);
    }
}
RUST
cd "$folder"
cargo run --quiet
