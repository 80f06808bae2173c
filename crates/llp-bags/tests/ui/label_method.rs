//! The accessor of the labels stays inside the crate.

use llp_bags::LabelOracle;

fn main() {
    let oracle = LabelOracle::new(vec![0, 1], 2).unwrap();
    println!("{}", oracle.labels()[0]);
}
