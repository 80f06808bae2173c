//! LLP-KMeans: clusters whose labels meet the shares of the bags, on columns whose weights are searched for.

mod clustering;
mod labels;

use llp_ot::Real;

use crate::columns::Columns;
use crate::error::{at_least, check_count, check_length};
use crate::random::Random;
use crate::{Bags, ClassicError};

pub use clustering::ClusterModel;
use clustering::Points;
pub use labels::cluster_labels;

/// Share of the population among which the best is a parent.
const TOURNAMENT: f64 = 0.25;
/// How often a child mixes two parents.
const CROSSING: f64 = 0.3;

/// Settings of [`llp_kmeans`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KMeansConfig {
    /// Number of clusters; none for twice the classes.
    pub n_clusters: Option<usize>,
    /// Generations of weights; with 0, all columns weigh the same.
    pub generations: usize,
    /// Weights in a generation.
    pub population: usize,
    /// Whether columns are brought to mean 0 and deviation 1 first.
    pub standardize: bool,
    /// Most rounds of a clustering.
    pub max_rounds: usize,
    /// Seed of first centroids and of the search.
    pub seed: u64,
}

impl Default for KMeansConfig {
    /// Twice as many clusters as classes, ten generations of 25 weights, standardized, 100 rounds, seed 0.
    fn default() -> Self {
        Self {
            n_clusters: None,
            generations: 10,
            population: 25,
            standardize: true,
            max_rounds: 100,
            seed: 0,
        }
    }
}

/// Clusters with labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The model, on raw features.
    pub model: ClusterModel,
    /// The error of the labels, [`cluster_labels`].
    pub error: f64,
    /// Weights of the columns, `[column]`, in standardized coordinates.
    pub weights: Vec<f64>,
    /// Sum of squared weighted distances to the centroids.
    pub inertia: f64,
    /// Whether the centroids came to rest.
    pub converged: bool,
}

/// Trains a classifier by clusters: each instance has the label of the nearest centroid.
///
/// ```text
/// min over column weights w in [0, 1]^d:  error of the best labels of the clusters that k-means finds under
///                                         |x - c|^2_w = sum_j w_j (x_j - c_j)^2
/// ```
///
/// with the error of [`cluster_labels`]. Source: \[stolpe:11\], LLP, with its evolutionary search: parents are the best
/// of a quarter of the population, three in ten children mix two of them, all are changed by normal numbers of
/// variance 1. Deviations: the first weights include equal ones, the best ones stay, and first centroids are spread out
/// as in k-means++.
///
/// It needs neither a linear boundary nor bags that differ much, and predicts as fast as it finds a nearest centroid. It
/// fails where classes are no clusters, and where bags are few: among many weights and labels some meet a few shares by
/// chance. Its labels are no probabilities.
///
/// # Errors
/// Fewer instances than clusters, fewer than one cluster, an empty population.
///
/// ```
/// use llp_classic::{Bags, KMeansConfig, llp_kmeans};
/// use llp_ot::Proportions;
///
/// let features = [1.0, 2.0, 8.0, 2.0, 7.0, 9.0];
/// let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
/// let found = llp_kmeans(&bags, &KMeansConfig { n_clusters: Some(2), ..KMeansConfig::default() })?;
/// assert_eq!(found.model.predict(&features)?, [0, 0, 1, 0, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn llp_kmeans<T: Real>(bags: &Bags<'_, T>, config: &KMeansConfig) -> Result<Clustering, ClassicError> {
    let k = config.n_clusters.unwrap_or(2 * bags.n_classes());
    check(bags, k, config)?;
    let search = Search { bags, config, k, points: Points::new(bags, &columns(bags, config)) };
    let d = bags.n_columns();
    let mut random = Random::new(config.seed, u64::MAX);
    let first = |place: usize, random: &mut Random| match place {
        0 => vec![1.0; d],
        _ => (0..d).map(|_| random.uniform()).collect(),
    };
    let n_first = if config.generations == 0 { 1 } else { config.population };
    let mut generation: Vec<Clustering> =
        (0..n_first).map(|place| search.try_weights(first(place, &mut random), place)).collect();
    for number in 1..=config.generations {
        let mut next = vec![generation[best(&generation)].clone()];
        for place in 1..config.population {
            let weights = child(&generation, &mut random);
            next.push(search.try_weights(weights, number * config.population + place));
        }
        generation = next;
    }
    let best = best(&generation);
    Ok(generation.swap_remove(best))
}

/// One clustering with given weights, `[column]`, from given centroids, `[cluster, column]` in the units of the
/// features; nothing is searched.
///
/// # Errors
/// As [`llp_kmeans`]; weights or centroids that do not fit the columns; negative weights.
pub fn llp_kmeans_from<T: Real>(
    bags: &Bags<'_, T>,
    config: &KMeansConfig,
    weights: &[f64],
    centroids: &[f64],
) -> Result<Clustering, ClassicError> {
    let d = bags.n_columns();
    let k = centroids.len() / d;
    check_length("weights", weights.len(), d, "[column]")?;
    check_length("centroids", centroids.len(), k * d, "[cluster, column]")?;
    weights.iter().try_for_each(|&w| at_least("weights", w, 0.0, "finite numbers of at least 0"))?;
    check(bags, k, config)?;
    let columns = columns(bags, config);
    let points = Points::new(bags, &columns);
    let mut standard = vec![0.0; k * d];
    standard
        .chunks_exact_mut(d)
        .zip(centroids.chunks_exact(d))
        .for_each(|(to, from)| columns.apply(from, to));
    Ok(points.cluster(bags, weights.to_vec(), standard, config.max_rounds))
}

fn columns<T: Real>(bags: &Bags<'_, T>, config: &KMeansConfig) -> Columns {
    Columns::standardizing(config.standardize, bags)
}

fn check<T: Real>(bags: &Bags<'_, T>, k: usize, config: &KMeansConfig) -> Result<(), ClassicError> {
    let wanted = [
        ("clusters", k, 1),
        ("instances", bags.n_instances(), k),
        ("weights in a generation", config.population, 1),
    ];
    wanted.into_iter().try_for_each(|(what, got, least)| check_count(what, got, least))
}

struct Search<'a, T> {
    bags: &'a Bags<'a, T>,
    config: &'a KMeansConfig,
    k: usize,
    points: Points,
}

impl<T: Real> Search<'_, T> {
    fn try_weights(&self, weights: Vec<f64>, index: usize) -> Clustering {
        let mut random = Random::new(self.config.seed, index as u64);
        let centroids = self.points.spread(self.k, &weights, &mut random);
        self.points.cluster(self.bags, weights, centroids, self.config.max_rounds)
    }
}

/// The place of the smallest error; the first among equals.
fn best(generation: &[Clustering]) -> usize {
    let error = |place: usize| generation[place].error;
    (1..generation.len()).fold(0, |best, place| if error(place) < error(best) { place } else { best })
}

/// Weights made of one or two parents, and changed.
fn child(generation: &[Clustering], random: &mut Random) -> Vec<f64> {
    let n_met = ((TOURNAMENT * generation.len() as f64).ceil() as usize).max(1);
    let parent = |random: &mut Random| {
        let met = (0..n_met).map(|_| random.below(generation.len()));
        let fittest = met.min_by(|&a, &b| generation[a].error.total_cmp(&generation[b].error));
        &generation[fittest.unwrap_or(0)].weights
    };
    let mut weights = parent(random).clone();
    if random.uniform() < CROSSING {
        let other = parent(random);
        for (weight, other) in weights.iter_mut().zip(other) {
            if random.uniform() < 0.5 {
                *weight = *other;
            }
        }
    }
    for weight in &mut weights {
        *weight = (*weight + random.normal()).clamp(0.0, 1.0);
    }
    weights
}
