//! Cross-validation over bags: each bag is held out once.

use llp_data::DataError;

use crate::rng::{self, Purpose};

/// Which bags are trained on and which are held out, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Bags to train on.
    pub train: Vec<usize>,
    /// Bags to choose by.
    pub held_out: Vec<usize>,
}

/// Fold `fold` of `n_folds`, from 0, of the bags `0..n_bags`.
///
/// The held-out bags of all folds are a partition of the bags, as even as it can be: sizes differ by at most one. Which
/// bag is in which fold depends on the seed, the number of bags and that of folds only.
///
/// # Errors
/// An error unless `2 <= n_folds <= n_bags` and `fold < n_folds`.
///
/// ```
/// let folds: Vec<_> = (0..3).map(|fold| llp_bags::fold(7, 3, fold, 0)).collect::<Result<_, _>>()?;
/// assert_eq!(folds.iter().map(|fold| fold.held_out.len()).collect::<Vec<_>>(), [3, 2, 2]);
/// # Ok::<(), llp_bags::DataError>(())
/// ```
pub fn fold(n_bags: usize, n_folds: usize, fold: usize, seed: u64) -> Result<Fold, DataError> {
    if n_folds < 2 || n_folds > n_bags || fold >= n_folds {
        let problem = format!("fold {fold} of {n_folds} with {n_bags} bags");
        let needed = "there must be at least 2 folds and no more than bags, and the first fold is 0";
        return Err(DataError::new(problem).remedy(needed));
    }
    let mut order: Vec<usize> = (0..n_bags).collect();
    rng::shuffle(&mut order, &mut rng::stream(seed, Purpose::Folds, n_folds as u64));
    let mut place = vec![0; n_bags]; // [bag]
    for (index, bag) in order.into_iter().enumerate() {
        place[bag] = index % n_folds;
    }
    let (held_out, train) = (0..n_bags).partition(|bag| place[*bag] == fold);
    Ok(Fold { train, held_out })
}
