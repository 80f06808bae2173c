//! A bag set knows no labels.

use llp_bags::BagSet;

fn label(bags: &BagSet) -> u32 {
    bags.labels()[0]
}

fn main() {}
