//! k-means under weights of columns.

use llp_ot::Real;

use super::{Clustering, cluster_labels};
use crate::columns::Columns;
use crate::error::check_length;
use crate::kernels::{add_scaled, divide};
use crate::parallel::{cut, map};
use crate::random::Random;
use crate::{Bags, ClassicError};

/// Tasks of a round.
const GROUPS: usize = 64;

/// Centroids with labels.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterModel {
    /// Row-major `[cluster, column]`.
    pub centroids: Vec<f64>,
    /// What squared differences of a column are multiplied by, `[column]`.
    pub factors: Vec<f64>,
    /// The class of each cluster, `[cluster]`.
    pub labels: Vec<usize>,
}

impl ClusterModel {
    /// The class of the nearest centroid for rows `[instance, column]`, `[instance]`; the first one among equals.
    ///
    /// # Errors
    /// If the features are no whole number of rows.
    pub fn predict<T: Real>(&self, features: &[T]) -> Result<Vec<usize>, ClassicError> {
        let d = self.factors.len();
        let n_rows = features.len() / d;
        check_length("features", features.len(), n_rows * d, "[instance, column]")?;
        let class = |row: &[T]| {
            let row: Vec<f64> = row.iter().map(|x| x.to_f64()).collect();
            self.labels[nearest(&row, &self.centroids, &self.factors).0]
        };
        Ok(features.chunks_exact(d).map(class).collect())
    }
}

/// The nearest centroid and its squared weighted distance.
fn nearest(point: &[f64], centroids: &[f64], weights: &[f64]) -> (usize, f64) {
    let mut found = (0, f64::INFINITY);
    for (place, centroid) in centroids.chunks_exact(point.len()).enumerate() {
        let distance = distance(point, centroid, weights);
        if distance < found.1 {
            found = (place, distance);
        }
    }
    found
}

fn distance(a: &[f64], b: &[f64], weights: &[f64]) -> f64 {
    a.iter().zip(b).zip(weights).map(|((a, b), w)| w * (a - b) * (a - b)).sum()
}

/// Standardized instances, bag after bag.
pub(super) struct Points {
    columns: Columns,
    /// `[position, column]`.
    values: Vec<f64>,
}

impl Points {
    pub(super) fn new<T: Real>(bags: &Bags<'_, T>, columns: &Columns) -> Self {
        let d = bags.n_columns();
        let mut values = vec![0.0; bags.n_instances() * d];
        for (point, &instance) in values.chunks_exact_mut(d).zip(bags.order()) {
            columns.apply(bags.row(instance), point);
        }
        Self { columns: columns.clone(), values }
    }

    fn d(&self) -> usize {
        self.columns.mean.len()
    }

    /// First centroids, each an instance, drawn with probabilities in proportion to squared distances.
    pub(super) fn spread(&self, k: usize, weights: &[f64], random: &mut Random) -> Vec<f64> {
        let d = self.d();
        let n = self.values.len() / d;
        let point = |at: usize| &self.values[at * d..(at + 1) * d];
        let mut centroids = point(random.below(n)).to_vec();
        let mut distances = vec![f64::INFINITY; n];
        for place in 1..k {
            let last = &centroids[(place - 1) * d..];
            for (at, least) in distances.iter_mut().enumerate() {
                *least = least.min(distance(point(at), last, weights));
            }
            let mut left = random.uniform() * distances.iter().sum::<f64>();
            let drawn = distances.iter().position(|distance| {
                left -= distance;
                left < 0.0
            });
            centroids.extend_from_slice(point(drawn.unwrap_or_else(|| random.below(n))));
        }
        centroids
    }

    /// Lloyd's rounds from centroids `[cluster, column]`, then the best labels.
    ///
    /// A cluster without instances gets the one that is farthest from its centroid.
    pub(super) fn cluster<T: Real>(
        &self,
        bags: &Bags<'_, T>,
        weights: Vec<f64>,
        mut centroids: Vec<f64>,
        max_rounds: usize,
    ) -> Clustering {
        let (d, k) = (self.d(), centroids.len() / self.d());
        let mut assigned = self.assign(&centroids, &weights);
        let mut converged = false;
        for _ in 0..max_rounds {
            centroids = self.means(&assigned, k);
            let next = self.assign(&centroids, &weights);
            converged = next.iter().zip(&assigned).all(|(a, b)| a.0 == b.0);
            assigned = next;
            if converged {
                break;
            }
        }
        let clusters: Vec<usize> = assigned.iter().map(|(cluster, _)| *cluster).collect();
        let (labels, error) = cluster_labels(bags, &clusters, k);
        let factors = weights.iter().zip(&self.columns.scale).map(|(w, scale)| w * scale * scale);
        let raw = |(at, x): (usize, &f64)| {
            let (mean, scale) = (self.columns.mean[at % d], self.columns.scale[at % d]);
            if scale == 0.0 { mean } else { x / scale + mean }
        };
        Clustering {
            model: ClusterModel {
                centroids: centroids.iter().enumerate().map(raw).collect(),
                factors: factors.collect(),
                labels,
            },
            error,
            weights,
            inertia: assigned.iter().map(|(_, distance)| distance).sum(),
            converged,
        }
    }

    /// The nearest centroid of each point, and its squared distance.
    fn assign(&self, centroids: &[f64], weights: &[f64]) -> Vec<(usize, f64)> {
        let d = self.d();
        let parts = cut(self.values.len() / d, GROUPS);
        let of_part = |part: usize| -> Vec<(usize, f64)> {
            let range = parts[part].start * d..parts[part].end * d;
            self.values[range].chunks_exact(d).map(|point| nearest(point, centroids, weights)).collect()
        };
        map(parts.len(), of_part).concat()
    }

    /// The mean of the points of each cluster.
    fn means(&self, assigned: &[(usize, f64)], k: usize) -> Vec<f64> {
        let d = self.d();
        let (mut sums, mut counts) = (vec![0.0; k * d], vec![0_usize; k]);
        for (point, (cluster, _)) in self.values.chunks_exact(d).zip(assigned) {
            add_scaled(&mut sums[cluster * d..(cluster + 1) * d], 1.0, point);
            counts[*cluster] += 1;
        }
        let mut far: Vec<usize> = (0..assigned.len()).collect();
        if counts.contains(&0) {
            far.sort_by(|&a, &b| assigned[a].1.total_cmp(&assigned[b].1));
        }
        for (sum, &count) in sums.chunks_exact_mut(d).zip(&counts) {
            match count {
                0 => {
                    let at = far.pop().unwrap_or(0);
                    sum.copy_from_slice(&self.values[at * d..(at + 1) * d]);
                }
                count => divide(sum, count as f64),
            }
        }
        sums
    }
}
