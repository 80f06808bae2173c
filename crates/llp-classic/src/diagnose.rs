//! How different bags are, and what class means can be estimated from them.

use llp_ot::Real;

use crate::symmetric::eigen;
use crate::{Bags, ClassicError};

/// Smallest reciprocal condition number that class means are estimated with.
const LEAST_RCOND: f64 = 1e-6;

/// How much a bag counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BagWeight {
    /// Every bag the same.
    Equal,
    /// By its number of instances.
    Instances,
}

impl BagWeight {
    /// The weight of each bag, `[bag]`; they add up to 1.
    pub(crate) fn of<T: Real>(self, bags: &Bags<'_, T>) -> Vec<f64> {
        let weight = |bag| match self {
            Self::Equal => 1.0 / bags.n_bags() as f64,
            Self::Instances => bags.instances(bag).len() as f64 / bags.n_instances() as f64,
        };
        (0..bags.n_bags()).map(weight).collect()
    }
}

/// What the proportions of bags allow: see [`diagnose`].
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// Smallest over largest singular value of the matrix of proportions, `[bag, class]`; 0 if some class
    /// means cannot be distinguished.
    pub rcond: f64,
    /// Standard error of the worst combination of estimated class means, where 1 is that of class means from
    /// as many labelled instances. Infinite if `rcond` is 0.
    pub amplification: f64,
    /// Classes that no bag has.
    pub absent: Vec<usize>,
}

/// Says before training whether MeanMap, LMM and AMM can work on bags.
///
/// The class means that they estimate have standard errors of up to `amplification` times those from labels.
/// Beyond 10 prefer [`linear_kl`](crate::linear_kl); bags drawn at random from all data are of this kind, the more
/// so the larger they are.
///
/// ```
/// use llp_classic::{Bags, diagnose};
/// use llp_ot::Proportions;
///
/// let features = [0.0; 8];
/// let alike = [Proportions::new(vec![0.5, 0.5])?, Proportions::new(vec![0.5, 0.5])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 0, 0, 1, 1, 1, 1], &alike)?;
/// assert!(diagnose(&bags).amplification.is_infinite());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn diagnose<T: Real>(bags: &Bags<'_, T>) -> Diagnosis {
    let shares = bags.class_shares();
    let present: Vec<usize> = (0..shares.len()).filter(|&class| shares[class] > 0.0).collect();
    let mixing = MixingMatrix::of(bags, BagWeight::Instances);
    let rcond = mixing.rcond(&present);
    // Labels: the Gram matrix is diagonal with the class shares.
    let relative = mixing.gram_of(&present, |a, b| 1.0 / (shares[a] * shares[b]).sqrt());
    let smallest = eigen(relative, present.len()).0[0];
    let amplification = if rcond <= 1e-12 { f64::INFINITY } else { smallest.powf(-0.5) };
    let absent = (0..shares.len()).filter(|class| !present.contains(class)).collect();
    Diagnosis { rcond, amplification, absent }
}

/// The proportions of bags as a matrix `[bag, class]`, rows weighted.
pub(crate) struct MixingMatrix {
    proportions: Vec<f64>,
    weights: Vec<f64>,
    n_classes: usize,
    gram: Vec<f64>,
}

impl MixingMatrix {
    pub(crate) fn of<T: Real>(bags: &Bags<'_, T>, weight: BagWeight) -> Self {
        let k = bags.n_classes();
        let proportions: Vec<f64> =
            (0..bags.n_bags()).flat_map(|bag| bags.proportions(bag).to_vec()).collect();
        let weights = weight.of(bags);
        let mut gram = vec![0.0; k * k];
        for (z, weight) in proportions.chunks_exact(k).zip(&weights) {
            for (row, z_row) in gram.chunks_exact_mut(k).zip(z) {
                row.iter_mut().zip(z).for_each(|(g, z)| *g += weight * z_row * z);
            }
        }
        Self { proportions, weights, n_classes: k, gram }
    }

    /// The Gram matrix of some classes, entries times a factor.
    fn gram_of(&self, classes: &[usize], factor: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let entry = |a: usize, b: usize| self.gram[a * self.n_classes + b] * factor(a, b);
        classes.iter().flat_map(|&a| classes.iter().map(move |&b| (a, b))).map(|(a, b)| entry(a, b)).collect()
    }

    fn rcond(&self, classes: &[usize]) -> f64 {
        let values = eigen(self.gram_of(classes, |_, _| 1.0), classes.len()).0;
        (values[0].max(0.0) / values[classes.len() - 1]).sqrt()
    }

    /// The least-squares estimate of class means as combinations of bag means, `[bag, class]`: the
    /// pseudo-inverse, transposed. Classes that no bag has get nothing.
    pub(crate) fn class_coefficients(&self, method: &str) -> Result<Vec<f64>, ClassicError> {
        let k = self.n_classes;
        let present: Vec<usize> = (0..k).filter(|class| self.gram[class * k + class] > 0.0).collect();
        let rcond = self.rcond(&present);
        if rcond < LEAST_RCOND {
            return Err(ClassicError::BagsAlike(format!(
                "the proportions of the bags are too much alike for {method} (reciprocal condition number {rcond:e}, \
                 expected above {LEAST_RCOND:e}): use bags that differ, merge classes that always occur together, or \
                 take a method without class means, such as KL"
            )));
        }
        let inverse = self.inverse_gram(&present);
        let mut coefficients = vec![0.0; self.proportions.len()];
        let rows = coefficients.chunks_exact_mut(k).zip(self.proportions.chunks_exact(k)).zip(&self.weights);
        for ((row, z), weight) in rows {
            for (a, inverse) in present.iter().zip(inverse.chunks_exact(present.len())) {
                let sum: f64 = present.iter().zip(inverse).map(|(&b, inverse)| inverse * z[b]).sum();
                row[*a] = weight * sum;
            }
        }
        Ok(coefficients)
    }

    fn inverse_gram(&self, classes: &[usize]) -> Vec<f64> {
        let m = classes.len();
        let (values, vectors) = eigen(self.gram_of(classes, |_, _| 1.0), m);
        let mut inverse = vec![0.0; m * m];
        for (value, vector) in values.iter().zip(vectors.chunks_exact(m)) {
            for (row, v) in inverse.chunks_exact_mut(m).zip(vector) {
                row.iter_mut().zip(vector).for_each(|(entry, u)| *entry += v * u / value);
            }
        }
        inverse
    }
}
