//! The labels of an oracle are private.

use llp_bags::LabelOracle;

fn main() {
    let oracle = LabelOracle::new(vec![0, 1], 2).unwrap();
    let label = oracle.labels[0];
    println!("{label}");
}
