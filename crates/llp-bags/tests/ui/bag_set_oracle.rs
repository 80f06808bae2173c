//! A bag set does not keep the oracle that its proportions came from.

use llp_bags::{BagSet, LabelOracle};

fn oracle(bags: &BagSet) -> &LabelOracle {
    &bags.oracle
}

fn main() {}
