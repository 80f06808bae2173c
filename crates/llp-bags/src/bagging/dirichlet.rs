//! Bags whose class shares differ: each follows a draw from a Dirichlet distribution.

use llp_data::DataError;

use super::{Partition, ascending, checked};
use crate::LabelOracle;
use crate::check::check_instances;
use crate::rng::{self, ChaCha8Rng, Purpose};

/// Cuts `instances` into as many bags of `bag_size` as they fill, each with class shares of its own.
///
/// The shares of a bag are drawn from the symmetric Dirichlet distribution with concentration `alpha`: bags are nearly
/// pure where it is small, and resemble each other where it is large (as it grows, they resemble bags of *equal*
/// shares, not those of the split). Each instance of the bag then takes a class of these shares, and an instance of
/// that class which no bag has yet.
///
/// Instances are drawn without replacement until fewer than `bag_size` are left, so a class may run out. Its share then
/// goes to the other classes in proportion to theirs, and where these have none, to all that are left in proportion to
/// what is left. The last bags therefore follow their draws less closely than the first.
///
/// # Errors
/// `alpha` is not a finite number above 0; an instance without a label; those of [`partition`](crate::partition).
///
/// ```
/// use llp_bags::{BagSet, partition_by_shares, source::digits::digits};
///
/// let split = digits().train;
/// let labels = split.labels.ok_or("digits have labels")?;
/// let bags = partition_by_shares(&split.instances.ids(), &labels, 16, 0.1, 0)?;
/// let first = BagSet::from_partition(split.instances, &bags, &labels)?;
/// let largest = first.proportions(0).as_slice().iter().copied().fold(0.0, f64::max);
/// assert!(largest > 0.5, "one class makes up most of the bag");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn partition_by_shares(
    instances: &[u32],
    labels: &LabelOracle,
    bag_size: usize,
    alpha: f64,
    seed: u64,
) -> Result<Partition, DataError> {
    if !(alpha.is_finite() && alpha > 0.0) {
        let problem = format!("the concentration of the class shares is {alpha}");
        return Err(DataError::new(problem).remedy("it must be a finite number above 0"));
    }
    let instances = checked(instances, bag_size)?;
    check_instances(&instances, labels.len())?;
    let mut left = by_class(&instances, labels, seed);
    let bags = (0..instances.len() / bag_size).map(|bag| {
        let mut rng = rng::stream(seed, Purpose::BagShares, bag as u64);
        let shares = shares(left.len(), alpha, &mut rng);
        let drawn: Vec<u32> = (0..bag_size).filter_map(|_| draw(&mut left, &shares, &mut rng)).collect();
        ascending(&drawn)
    });
    Ok(Partition { bags: bags.collect(), remainder: ascending(&left.concat()) })
}

/// The instances of each class, in the order in which bags take them from the back.
fn by_class(instances: &[u32], labels: &LabelOracle, seed: u64) -> Vec<Vec<u32>> {
    let mut by_class = vec![Vec::new(); labels.n_classes()];
    for &instance in instances {
        by_class[labels.labels()[instance as usize] as usize].push(instance);
    }
    for (class, instances) in by_class.iter_mut().enumerate() {
        rng::shuffle(instances, &mut rng::stream(seed, Purpose::GroupOrder, class as u64));
    }
    by_class
}

/// Takes an instance of a class that is drawn from the shares of those that are left.
fn draw(left: &mut [Vec<u32>], shares: &[f64], rng: &mut ChaCha8Rng) -> Option<u32> {
    let weight = |class: usize| if left[class].is_empty() { 0.0 } else { shares[class] };
    let mut weights: Vec<f64> = (0..left.len()).map(weight).collect();
    if weights.iter().sum::<f64>() <= 0.0 {
        weights = left.iter().map(|instances| instances.len() as f64).collect();
    }
    let mut target = rng::uniform(rng) * weights.iter().sum::<f64>();
    let mut chosen = None;
    for (class, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        chosen = Some(class); // the last one, if rounding leaves the target above all
        if target < weight {
            break;
        }
        target -= weight;
    }
    left[chosen?].pop()
}

/// A draw from the symmetric Dirichlet distribution: gamma variables over their sum. Their logarithms do not vanish
/// where they themselves would, for small `alpha`.
fn shares(n_classes: usize, alpha: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let logs: Vec<f64> = (0..n_classes).map(|_| log_gamma_variable(alpha, rng)).collect();
    let log_max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - log_max).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The logarithm of a gamma variable of shape `alpha`.
///
/// Marsaglia and Tsang's rejection for the shape `alpha + 1`, whose acceptance never falls below 95 %, and their
/// power of a uniform variable for the step from there to `alpha`.
fn log_gamma_variable(alpha: f64, rng: &mut ChaCha8Rng) -> f64 {
    let d = alpha + 1.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    let log_of_next = loop {
        let x = rng::normal(rng);
        let root = 1.0 + c * x;
        let v = root * root * root;
        let u = 1.0 - rng::uniform(rng); // above 0
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            break (d * v).ln();
        }
    };
    log_of_next + (1.0 - rng::uniform(rng)).ln() / alpha
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of Dirichlet shares are `1 / K` and `(K - 1) / (K^2 (K alpha + 1))`, within five standard
    /// errors of 20,000 draws (those of the variance bounded through `share^2 <= share`).
    #[test]
    fn shares_have_the_moments_of_a_dirichlet_distribution() {
        let (n_classes, n) = (4, 20_000);
        for alpha in [0.01, 0.5, 1.0, 30.0] {
            let mut rng = rng::stream(5, Purpose::BagShares, 0);
            let first: Vec<f64> = (0..n).map(|_| shares(n_classes, alpha, &mut rng)[0]).collect();
            let k = n_classes as f64;
            let (mean, variance) = (1.0 / k, (k - 1.0) / (k * k * (k * alpha + 1.0)));
            let got_mean = first.iter().sum::<f64>() / f64::from(n);
            let got_variance = first.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            let standard_error = (variance / f64::from(n)).sqrt();
            assert!((got_mean - mean).abs() < 5.0 * standard_error, "alpha {alpha}: mean {got_mean}");
            assert!((got_variance - variance).abs() < 5.0 * standard_error, "alpha {alpha}: {got_variance}");
        }
    }
}
