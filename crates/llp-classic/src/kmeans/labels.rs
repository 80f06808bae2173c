//! The labels of clusters that meet the shares of the bags best.

use llp_ot::Real;

use crate::Bags;

/// Labelings that are all tried; of more, a way down is taken.
const N_TRIED: usize = 4096;

/// The class of each cluster, `[cluster]`, with the smallest error, and that error.
///
/// `clusters` has the cluster of each instance, bag after bag, from 0 to below `n_clusters`. With `c_bj` the share of
/// cluster `j` in bag `b`, labels give bag `b` the share `g_bk` of class `k`, the sum of `c_bj` over the clusters of that
/// class; the error is
///
/// ```text
/// sqrt(E_weight E_prior),   E_weight = 1/(B K) sum_b n_b/n sum_k p_k (z_bk - g_bk)^2,   E_prior = 1/K sum_k (p_k - q_k)^2
/// ```
///
/// with `p_k` the share of class `k` among all instances and `q_k` the one that the labels give. Of labels whose error is
/// the same, those with the smaller `E_weight` are better, then the first. Source: \[stolpe:11\]. All labelings are tried
/// where there are at most 4,096; else labels change one at a time, from all of the most frequent class, as long as one
/// change lowers the error: its greedy variant.
///
/// # Panics
/// If there is not one cluster for each instance, or one is beyond the last.
pub fn cluster_labels<T: Real>(
    bags: &Bags<'_, T>,
    clusters: &[usize],
    n_clusters: usize,
) -> (Vec<usize>, f64) {
    assert_eq!(clusters.len(), bags.n_instances(), "each instance has a cluster");
    let problem = Problem::new(bags, clusters, n_clusters);
    let labels = match bags.n_classes().checked_pow(n_clusters as u32) {
        Some(n) if n <= N_TRIED => problem.best_of_all(n),
        _ => problem.greedy(),
    };
    let error = problem.error(&labels).0;
    (labels, error)
}

/// The error, and the part that decides among equals.
type Error = (f64, f64);

/// Errors closer than this are equal up to rounding.
const ROUNDING: f64 = 1e-12;

fn is_less(a: Error, b: Error) -> bool {
    a.0 < b.0 - ROUNDING || (a.0 <= b.0 + ROUNDING && a.1 < b.1 - ROUNDING)
}

struct Problem<'a, T> {
    bags: &'a Bags<'a, T>,
    /// `[bag, cluster]`.
    shares: Vec<f64>,
    n_clusters: usize,
    /// `[class]`.
    priors: Vec<f64>,
}

impl<'a, T: Real> Problem<'a, T> {
    fn new(bags: &'a Bags<'a, T>, clusters: &[usize], n_clusters: usize) -> Self {
        let mut shares = vec![0.0; bags.n_bags() * n_clusters];
        for bag in 0..bags.n_bags() {
            let range = bags.starts()[bag]..bags.starts()[bag + 1];
            let weight = 1.0 / range.len() as f64;
            for &cluster in &clusters[range] {
                shares[bag * n_clusters + cluster] += weight;
            }
        }
        Self { bags, shares, n_clusters, priors: bags.class_shares() }
    }

    fn error(&self, labels: &[usize]) -> Error {
        let (k, n_bags) = (self.priors.len(), self.bags.n_bags());
        let mut given = vec![0.0; k];
        let mut weighted = 0.0;
        for (bag, shares) in self.shares.chunks_exact(self.n_clusters).enumerate() {
            let mut of_bag = vec![0.0; k];
            labels.iter().zip(shares).for_each(|(&label, share)| of_bag[label] += share);
            let weight = self.bags.instances(bag).len() as f64 / self.bags.n_instances() as f64;
            for (class, z) in self.bags.proportions(bag).iter().enumerate() {
                weighted += weight * self.priors[class] * (z - of_bag[class]).powi(2);
                given[class] += weight * of_bag[class];
            }
        }
        weighted /= (n_bags * k) as f64;
        let prior: f64 = self.priors.iter().zip(&given).map(|(p, q)| (p - q).powi(2)).sum();
        ((weighted * prior / k as f64).sqrt(), weighted)
    }

    /// The best of all labelings, which are numbers of `n_clusters` digits.
    fn best_of_all(&self, n: usize) -> Vec<usize> {
        let k = self.priors.len();
        let digits = |number: usize| {
            let mut rest = number;
            let digit = |_| {
                let digit = rest % k;
                rest /= k;
                digit
            };
            (0..self.n_clusters).map(digit).collect::<Vec<usize>>()
        };
        let mut best = (digits(0), self.error(&digits(0)));
        for labels in (1..n).map(digits) {
            let error = self.error(&labels);
            if is_less(error, best.1) {
                best = (labels, error);
            }
        }
        best.0
    }

    fn greedy(&self) -> Vec<usize> {
        let k = self.priors.len();
        let most =
            (1..k).fold(0, |most, class| if self.priors[class] > self.priors[most] { class } else { most });
        let mut labels = vec![most; self.n_clusters];
        let mut error = self.error(&labels);
        loop {
            let mut best = None;
            for place in 0..self.n_clusters {
                let own = labels[place];
                for class in (0..k).filter(|class| *class != own) {
                    labels[place] = class;
                    let changed = self.error(&labels);
                    if is_less(changed, best.map_or(error, |(_, _, least)| least)) {
                        best = Some((place, class, changed));
                    }
                }
                labels[place] = own;
            }
            let Some((place, class, changed)) = best else { return labels };
            labels[place] = class;
            error = changed;
        }
    }
}
