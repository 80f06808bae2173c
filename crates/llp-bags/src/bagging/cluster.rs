//! Bags of images that look alike: filled cluster by cluster.

use llp_data::DataError;
use rayon::prelude::*;

use super::{Partition, checked, cut};
use crate::Images;
use crate::check::check_instances;
use crate::rng::{self, ChaCha8Rng, Purpose};

/// Passes of Lloyd's algorithm: it ends before where no instance changes its cluster any more.
const N_PASSES_MAX: usize = 25;

/// Cuts `instances` into as many bags of `bag_size` as they fill, cluster by cluster of their pixels.
///
/// `n_clusters` clusters are found by Lloyd's algorithm on the pixels with seeded first centers (k-means++), at most
/// 25 passes. Bags take the instances of the first cluster in a random order, then those of the second, so a bag
/// belongs to one cluster, or to two or more where one ends. A cluster may lose all its instances; it then stays
/// empty.
///
/// The result depends on the set of instances, the images and the arguments, not on the number of threads: sums of
/// pixels are integers.
///
/// # Errors
/// An error unless `1 <= n_clusters <= instances.len()`; an instance that does not exist; those of
/// [`partition`](crate::partition).
pub fn partition_by_clusters(
    instances: &[u32],
    images: &Images,
    bag_size: usize,
    n_clusters: usize,
    seed: u64,
) -> Result<Partition, DataError> {
    let instances = checked(instances, bag_size)?;
    check_instances(&instances, images.len())?;
    if n_clusters == 0 || n_clusters > instances.len() {
        let n_instances = instances.len();
        let problem = format!("{n_clusters} clusters are not possible with {n_instances} instances");
        return Err(DataError::new(problem).remedy(format!("choose 1 to {n_instances}")));
    }
    let mut clusters = vec![Vec::new(); n_clusters];
    for (&instance, cluster) in instances.iter().zip(lloyd(&instances, images, n_clusters, seed)) {
        clusters[cluster].push(instance);
    }
    for (cluster, instances) in clusters.iter_mut().enumerate() {
        rng::shuffle(instances, &mut rng::stream(seed, Purpose::GroupOrder, cluster as u64));
    }
    Ok(cut(&clusters.concat(), bag_size))
}

/// The cluster of each instance.
fn lloyd(instances: &[u32], images: &Images, n_clusters: usize, seed: u64) -> Vec<usize> {
    let mut rng = rng::stream(seed, Purpose::Clusters, n_clusters as u64);
    let mut centers = first_centers(instances, images, n_clusters, &mut rng);
    let mut clusters = nearest(instances, images, &centers);
    for _ in 1..N_PASSES_MAX {
        move_centers(&mut centers, instances, images, &clusters);
        let moved = nearest(instances, images, &centers);
        if moved == clusters {
            break;
        }
        clusters = moved;
    }
    clusters
}

/// k-means++: each further center is an instance, drawn in proportion to the squared distance to the nearest so far.
fn first_centers(
    instances: &[u32],
    images: &Images,
    n_clusters: usize,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<f32>> {
    let center = |place: usize| images.image(instances[place]).iter().copied().map(f32::from).collect();
    let mut centers: Vec<Vec<f32>> = vec![center(rng::below(rng, instances.len() as u32) as usize)];
    let mut distances = vec![f32::INFINITY; instances.len()];
    while let (Some(last), true) = (centers.last(), centers.len() < n_clusters) {
        let closer = |(&instance, old): (&u32, &f32)| old.min(squared_distance(images.image(instance), last));
        distances = instances.par_iter().zip(&distances).map(closer).collect();
        centers.push(center(in_proportion(&distances, rng)));
    }
    centers
}

/// A place, drawn in proportion to the weights; any place where all are 0.
fn in_proportion(weights: &[f32], rng: &mut ChaCha8Rng) -> usize {
    let sum: f64 = weights.iter().copied().map(f64::from).sum();
    if sum <= 0.0 {
        return rng::below(rng, weights.len() as u32) as usize;
    }
    let mut target = rng::uniform(rng) * sum;
    for (place, &weight) in weights.iter().enumerate() {
        target -= f64::from(weight);
        if target < 0.0 {
            return place;
        }
    }
    weights.len() - 1
}

/// The nearest center of each instance, the first of several.
fn nearest(instances: &[u32], images: &Images, centers: &[Vec<f32>]) -> Vec<usize> {
    let nearest = |&instance: &u32| {
        let image = images.image(instance);
        let distances = centers.iter().map(|center| squared_distance(image, center)).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(cluster, _)| cluster)
    };
    instances.par_iter().map(nearest).collect()
}

/// Each center becomes the mean of its instances; one without any stays where it is.
fn move_centers(centers: &mut [Vec<f32>], instances: &[u32], images: &Images, clusters: &[usize]) {
    centers.par_iter_mut().enumerate().for_each(|(cluster, center)| {
        let (mut sums, mut n) = (vec![0_u64; center.len()], 0_u64);
        for (&instance, _) in instances.iter().zip(clusters).filter(|(_, of)| **of == cluster) {
            n += 1;
            for (sum, &pixel) in sums.iter_mut().zip(images.image(instance)) {
                *sum += u64::from(pixel);
            }
        }
        if n > 0 {
            for (value, sum) in center.iter_mut().zip(sums) {
                *value = (sum as f64 / n as f64) as f32;
            }
        }
    });
}

/// Sixteen sums side by side, which the compiler keeps in registers; the order of additions is fixed.
fn squared_distance(image: &[u8], center: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (pixels, values) = (image.chunks(LANES), center.chunks(LANES));
    for (pixels, values) in pixels.zip(values) {
        for ((sum, &pixel), &value) in sums.iter_mut().zip(pixels).zip(values) {
            let difference = f32::from(pixel) - value;
            *sum += difference * difference;
        }
    }
    sums.iter().sum()
}
