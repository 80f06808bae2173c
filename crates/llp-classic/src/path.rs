//! Penalties along a path, chosen by held-out bags.

use llp_ot::Real;

use crate::diagnose::BagWeight;
use crate::error::{at_least, check_count};
use crate::kernels::divide;
use crate::{Bags, ClassicError, Fit, LinearModel, bag_kl};

/// A penalty chosen without instance labels: see [`choose_l2`].
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The penalty with the smallest loss of held-out bags; the largest one among equals.
    pub l2: f64,
    /// Every penalty, from the largest on, with the mean KL of held-out bags.
    pub path: Vec<(f64, f64)>,
}

/// Ten penalties from 10 down to 1e-5, for standardized columns.
pub const L2_PATH: [f64; 10] = [10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 1e-5];

/// Chooses an L2 penalty by cross-validation over bags: no instance label is used.
///
/// Bag `b` is held out in fold `b % n_folds`. For each fold the penalties are worked through from the largest
/// to the smallest; `fit(bags, l2, previous)` gets the model of the penalty before, to start from if it
/// wants. A fold in which `fit` finds bags too much alike counts for no penalty.
///
/// # Errors
/// No penalty, or a negative one; fewer than two folds or fewer bags than folds; what `fit` returns.
///
/// ```
/// use llp_classic::{Bags, L2_PATH, LinearKlConfig, choose_l2, linear_kl, linear_kl_from};
/// use llp_ot::Proportions;
///
/// let features: Vec<f64> = (0..40).map(|i| f64::from(i % 7) + f64::from(i / 20)).collect();
/// let bag_of: Vec<u32> = (0..40).map(|i| i / 4).collect();
/// let shares = |bag: u32| Proportions::from_counts(&[4 - bag % 4, bag % 4]);
/// let proportions = (0..10).map(shares).collect::<Result<Vec<_>, _>>()?;
/// let bags = Bags::new(&features, 1, &bag_of, &proportions)?;
/// let choice = choose_l2(&bags, &L2_PATH, 5, |bags, l2, previous| {
///     let config = LinearKlConfig { l2, ..LinearKlConfig::default() };
///     previous.map_or_else(|| linear_kl(bags, &config), |model| linear_kl_from(bags, &config, model))
/// })?;
/// assert_eq!(choice.path.len(), L2_PATH.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn choose_l2<T: Real>(
    bags: &Bags<'_, T>,
    penalties: &[f64],
    n_folds: usize,
    mut fit: impl FnMut(&Bags<'_, T>, f64, Option<&LinearModel>) -> Result<Fit, ClassicError>,
) -> Result<Choice, ClassicError> {
    for &l2 in penalties {
        at_least("l2", l2, 0.0, "a finite number of at least 0")?;
    }
    check_counts(penalties.len(), n_folds, bags.n_bags())?;
    let mut penalties = penalties.to_vec();
    penalties.sort_by(|a, b| b.total_cmp(a));
    let mut losses = vec![0.0; penalties.len()];
    let mut n_done = 0;
    for fold in 0..n_folds {
        let part =
            |held: bool| (0..bags.n_bags()).filter(move |bag| (bag % n_folds == fold) == held).collect();
        let (train, test): (Vec<usize>, Vec<usize>) = (part(false), part(true));
        let (train, test) = (bags.subset(&train), bags.subset(&test));
        match fold_losses(&train, &test, &penalties, &mut fit) {
            Err(ClassicError::BagsAlike(_)) if fold + 1 < n_folds || n_done > 0 => continue,
            Err(error) => return Err(error),
            Ok(of_fold) => losses.iter_mut().zip(of_fold).for_each(|(loss, more)| *loss += more),
        }
        n_done += 1;
    }
    divide(&mut losses, f64::from(n_done));
    let best = (1..losses.len()).fold(0, |best, at| if losses[at] < losses[best] { at } else { best });
    Ok(Choice { l2: penalties[best], path: penalties.into_iter().zip(losses).collect() })
}

fn fold_losses<T: Real>(
    train: &Bags<'_, T>,
    test: &Bags<'_, T>,
    penalties: &[f64],
    fit: &mut impl FnMut(&Bags<'_, T>, f64, Option<&LinearModel>) -> Result<Fit, ClassicError>,
) -> Result<Vec<f64>, ClassicError> {
    let mut previous = None;
    let mut losses = Vec::with_capacity(penalties.len());
    for &l2 in penalties {
        let model = fit(train, l2, previous.as_ref())?.model;
        losses.push(bag_kl(test, &model, BagWeight::Instances)?);
        previous = Some(model);
    }
    Ok(losses)
}

fn check_counts(n_penalties: usize, n_folds: usize, n_bags: usize) -> Result<(), ClassicError> {
    let wanted = [("penalties", n_penalties, 1), ("folds", n_folds, 2), ("bags", n_bags, n_folds.max(2))];
    wanted.into_iter().try_for_each(|(what, got, least)| check_count(what, got, least))
}
