//! Whether bags can teach anything, judged by their proportions alone, before any training.
//!
//! With the proportions `z[b, c]` of `B` bags over `C` classes: instances of bag `b` come from the mixture
//! `sum_c z[b, c] q_c` of the distributions of the classes. The `q_c` are determined by the mixtures if and only if the
//! matrix `z` has rank `C`, and the better its condition, the less errors grow on the way. Separately, the cross-entropy
//! that a network starts from (it predicts the mean of all bags) and the least possible one show how much there is to
//! learn.

mod findings;

use serde::Serialize;

use crate::Variation;
use crate::eigen::{Eigen, eigen};
pub use findings::{Finding, Verdict};

/// Singular values below this part of the largest are zero: proportions are written with a few digits.
const RANK_TOLERANCE: f64 = 1e-5;
/// A share that moves less than this, as a standard deviation over bags, is constant.
const CONSTANT_TOLERANCE: f64 = 1e-6;

/// What the proportions of bags say about learning from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnostics {
    /// The number of bags.
    pub n_bags: usize,
    /// The number of classes.
    pub n_classes: usize,
    /// One for each class, `[class]`.
    pub classes: Vec<ClassSpread>,
    /// The variance between bags, summed over the classes, beside that of random draws.
    pub variation: Variation,
    /// Singular values of the matrix of proportions, `[bag, class]`, divided by the square root of the number of bags;
    /// descending, one for each class.
    pub singular_values: Vec<f64>,
    /// How many of them are not zero: at most the number of classes and of bags.
    pub rank: usize,
    /// The largest one divided by the smallest; `None` if that is zero.
    pub condition: Option<f64>,
    /// Classes that no bag distinguishes: those that the smallest singular vector weighs, if it belongs to zero.
    pub confused: Vec<usize>,
    /// Mean cross-entropy over bags, in nats, of a network that predicts the mean proportions for every instance: the KL
    /// loss before anything is learned.
    pub chance_loss: f64,
    /// Mean entropy of the proportions, in nats: no network has a lower KL loss.
    pub entropy_floor: f64,
}

/// How the share of a class differs among bags.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClassSpread {
    /// Its share of all instances.
    pub share: f64,
    /// The mean of its shares over bags.
    pub mean: f64,
    /// The smallest share.
    pub min: f64,
    /// The largest share.
    pub max: f64,
    /// The variance of its shares over bags.
    pub variance: f64,
    /// `share (1 - share) mean_b 1 / n[b]`: the variance if every bag were a random draw (multinomial).
    pub floor: f64,
}

impl ClassSpread {
    /// Whether the share is the same in all bags: nothing can be learned of the class.
    pub fn is_constant(&self) -> bool {
        self.variance.sqrt() <= CONSTANT_TOLERANCE
    }
}

/// Looks at bags with `proportions`, row-major `[bag, class]`, and `sizes`, `[bag]`.
///
/// Nothing is random, and the order of the bags does not matter beyond rounding.
///
/// # Panics
/// If there is no bag or no class, an empty bag, or not one vector of proportions for each bag.
///
/// ```
/// let found = llp_bags::diagnose(&[1.0, 0.0, 0.0, 1.0], &[5, 5]);
/// assert_eq!((found.rank, found.entropy_floor), (2, 0.0));
/// assert!((found.chance_loss - 2.0_f64.ln()).abs() < 1e-12);
/// let found = llp_bags::diagnose(&[0.5, 0.5, 0.5, 0.5], &[4, 4]);
/// assert_eq!((found.rank, found.confused), (1, vec![0, 1]));
/// ```
pub fn diagnose(proportions: &[f64], sizes: &[usize]) -> Diagnostics {
    let n_bags = sizes.len();
    assert!(n_bags > 0 && !sizes.contains(&0), "at least one bag, and none is empty");
    let n_classes = proportions.len() / n_bags;
    assert!(n_classes > 0 && proportions.len() == n_bags * n_classes, "a row of proportions for each bag");
    let bags = || proportions.chunks_exact(n_classes);
    let classes: Vec<ClassSpread> = (0..n_classes).map(|class| spread(bags(), sizes, class)).collect();
    let spectrum = eigen(gram(bags(), n_classes, n_bags), n_classes);
    let singular_values: Vec<f64> = spectrum.values.iter().map(|value| value.max(0.0).sqrt()).collect();
    let least = RANK_TOLERANCE * singular_values[0];
    let rank = singular_values.iter().filter(|&&value| value > least).count();
    let mean: Vec<f64> = classes.iter().map(|class| class.mean).collect();
    let n = n_bags as f64;
    Diagnostics {
        n_bags,
        n_classes,
        variation: Variation {
            between: classes.iter().map(|class| class.variance + (class.mean - class.share).powi(2)).sum(),
            floor: classes.iter().map(|class| class.floor).sum(),
        },
        condition: (rank == n_classes).then(|| singular_values[0] / singular_values[n_classes - 1]),
        confused: if rank < n_classes { weighed(&spectrum, rank) } else { vec![] },
        chance_loss: bags().map(|bag| cross_entropy(bag, &mean)).sum::<f64>() / n,
        entropy_floor: bags().map(|bag| cross_entropy(bag, bag)).sum::<f64>() / n,
        classes,
        singular_values,
        rank,
    }
}

fn spread<'a>(bags: impl Iterator<Item = &'a [f64]> + Clone, sizes: &[usize], class: usize) -> ClassSpread {
    let n_bags = sizes.len() as f64;
    let shares = bags.map(|bag| bag[class]);
    let mean = shares.clone().sum::<f64>() / n_bags;
    let n_instances: usize = sizes.iter().sum();
    let weighted = shares.clone().zip(sizes).map(|(share, &size)| share * size as f64).sum::<f64>();
    let share = weighted / n_instances as f64;
    let mean_of_inverse = sizes.iter().map(|&size| 1.0 / size as f64).sum::<f64>() / n_bags;
    ClassSpread {
        share,
        mean,
        min: shares.clone().fold(f64::INFINITY, f64::min),
        max: shares.clone().fold(0.0, f64::max),
        variance: shares.map(|share| (share - mean).powi(2)).sum::<f64>() / n_bags,
        floor: share * (1.0 - share) * mean_of_inverse,
    }
}

/// `z^T z / B`, row-major `[class, class]`.
fn gram<'a>(bags: impl Iterator<Item = &'a [f64]>, n_classes: usize, n_bags: usize) -> Vec<f64> {
    let mut gram = vec![0.0; n_classes * n_classes];
    for bag in bags {
        for (row, a) in gram.chunks_exact_mut(n_classes).zip(bag) {
            for (entry, b) in row.iter_mut().zip(bag) {
                *entry += a * b / n_bags as f64;
            }
        }
    }
    gram
}

/// `-sum_c z[c] log p[c]`; a class without a share costs nothing.
fn cross_entropy(shares: &[f64], predicted: &[f64]) -> f64 {
    let cost = |(&z, &p): (&f64, &f64)| if z > 0.0 { -z * p.ln() } else { 0.0 };
    shares.iter().zip(predicted).map(cost).sum()
}

/// The classes that take part in the directions that no bag moves in, from the `rank`-th on.
fn weighed(spectrum: &Eigen, rank: usize) -> Vec<usize> {
    let n = spectrum.values.len();
    let takes_part = |class: &usize| {
        (rank..n).any(|direction| spectrum.vectors[direction * n + class].abs() > 0.1 / (n as f64).sqrt())
    };
    (0..n).filter(takes_part).collect()
}
