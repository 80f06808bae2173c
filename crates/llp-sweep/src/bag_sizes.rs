//! The sizes of a run's bags, in words.

use std::fmt;

use crate::config::RunConfig;
use crate::record::RunResult;

/// How many instances the bags of a run have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BagSizes {
    /// All have as many.
    Equal(usize),
    /// From the smallest to the largest.
    Between(usize, usize),
    /// Only the size of the largest is known.
    AtMost(usize),
}

impl BagSizes {
    /// The sizes that a result records, or, for a run without one, what its configuration says.
    pub fn of(config: &RunConfig, result: Option<&RunResult>) -> Self {
        match result {
            Some(result) => Self::of_result(result),
            // A hash is that of bags that were given, not drawn.
            None if config.bags.hash.is_some() => Self::AtMost(config.bags.size),
            None => Self::Equal(config.bags.size),
        }
    }

    /// The sizes that a result records.
    pub fn of_result(result: &RunResult) -> Self {
        let largest = result.bag_size;
        match result.smallest_bag {
            _ if result.n_train == result.n_bags * largest => Self::Equal(largest),
            Some(smallest) => Self::Between(smallest, largest),
            None => Self::AtMost(largest),
        }
    }

    /// The sizes of the bags of two runs together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let largest = self.largest().max(other.largest());
        match (self.smallest(), other.smallest()) {
            (Some(a), Some(b)) if a.min(b) == largest => Self::Equal(largest),
            (Some(a), Some(b)) => Self::Between(a.min(b), largest),
            // A run without a result adds nothing to what others have recorded.
            (Some(a), None) | (None, Some(a)) if a < largest => Self::Between(a, largest),
            _ => Self::AtMost(largest),
        }
    }

    /// The size of the largest bag.
    pub fn largest(self) -> usize {
        match self {
            Self::Equal(size) | Self::Between(_, size) | Self::AtMost(size) => size,
        }
    }

    fn smallest(self) -> Option<usize> {
        match self {
            Self::Equal(size) | Self::Between(size, _) => Some(size),
            Self::AtMost(_) => None,
        }
    }
}

/// `64`, `8 to 40` or `at most 40`.
impl fmt::Display for BagSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(size) => write!(f, "{size}"),
            Self::Between(smallest, largest) => write!(f, "{smallest} to {largest}"),
            Self::AtMost(largest) => write!(f, "at most {largest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of two runs together is never more than what is known of each.
    #[test]
    fn sizes_add_up() {
        use BagSizes::{AtMost, Between, Equal};
        for (a, b, both, words) in [
            (Equal(8), Equal(8), Equal(8), "8"),
            (Between(3, 8), Between(2, 7), Between(2, 8), "2 to 8"),
            (Between(3, 8), AtMost(8), Between(3, 8), "3 to 8"),
            (AtMost(8), AtMost(8), AtMost(8), "at most 8"),
            (Equal(8), AtMost(8), AtMost(8), "at most 8"),
        ] {
            assert_eq!((a.and(b), b.and(a)), (both, both));
            assert_eq!(both.to_string(), words);
        }
    }
}
