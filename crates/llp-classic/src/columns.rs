//! Means and scales of columns, and means of bags.

use llp_ot::Real;

use crate::kernels::{add_scaled, divide};
use crate::pass::Pass;
use crate::{Bags, LinearModel};

/// Standardization: `(x - mean) * scale`; the scale of a constant column is 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    pub(crate) mean: Vec<f64>,
    pub(crate) scale: Vec<f64>,
}

/// Columns whose deviation is below this share of their magnitude are constant up to rounding.
const CONSTANT: f64 = 1e-12;

impl Columns {
    /// Columns as they are.
    pub(crate) fn identity(n_columns: usize) -> Self {
        Self { mean: vec![0.0; n_columns], scale: vec![1.0; n_columns] }
    }

    /// Mean and one over the standard deviation of each column, over all instances of the bags.
    pub(crate) fn of<T: Real>(bags: &Bags<'_, T>) -> Self {
        let pass = Pass::new(bags);
        let n = bags.n_instances() as f64;
        let mut mean = pass.fold(bags.n_columns(), |_, row, sums| {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x.to_f64());
        });
        divide(&mut mean, n);
        let squares = pass.fold(bags.n_columns(), |_, row, sums| {
            for ((sum, x), mean) in sums.iter_mut().zip(row).zip(&mean) {
                *sum += (x.to_f64() - mean).powi(2);
            }
        });
        let scale = squares.iter().zip(&mean).map(|(square, mean)| {
            let deviation = (square / n).sqrt();
            if deviation <= CONSTANT * mean.abs() { 0.0 } else { 1.0 / deviation }
        });
        Self { scale: scale.collect(), mean }
    }

    /// Those that a method with or without standardization uses.
    pub(crate) fn standardizing<T: Real>(yes: bool, bags: &Bags<'_, T>) -> Self {
        if yes { Self::of(bags) } else { Self::identity(bags.n_columns()) }
    }

    /// Standardizes a row.
    pub(crate) fn apply<T: Real>(&self, row: &[T], out: &mut [f64]) {
        for (((out, x), mean), scale) in out.iter_mut().zip(row).zip(&self.mean).zip(&self.scale) {
            *out = (x.to_f64() - mean) * scale;
        }
    }

    /// The model on raw features that scores like one with these weights and bias on standardized ones.
    pub(crate) fn raw_model(&self, weights: &[f64], bias: &[f64]) -> LinearModel {
        let d = self.mean.len();
        let mut model = LinearModel { weights: weights.to_vec(), bias: bias.to_vec() };
        for (w, b) in model.weights.chunks_exact_mut(d).zip(&mut model.bias) {
            for ((w, scale), mean) in w.iter_mut().zip(&self.scale).zip(&self.mean) {
                *w *= scale;
                *b -= *w * mean;
            }
        }
        model
    }

    /// The opposite of [`Self::raw_model`]; weights of constant columns are lost.
    pub(crate) fn standard_model(&self, model: &LinearModel) -> LinearModel {
        let d = self.mean.len();
        let mut standard = model.clone();
        for (w, b) in standard.weights.chunks_exact_mut(d).zip(&mut standard.bias) {
            for ((w, scale), mean) in w.iter_mut().zip(&self.scale).zip(&self.mean) {
                *b += *w * mean;
                *w = if *scale == 0.0 { 0.0 } else { *w / scale };
            }
        }
        standard
    }
}

/// The mean of the standardized instances of each bag, `[bag, column]`.
pub(crate) fn bag_means<T: Real>(bags: &Bags<'_, T>, columns: &Columns) -> Vec<f64> {
    let d = bags.n_columns();
    let mut means = vec![0.0; bags.n_bags() * d];
    let mut standard = vec![0.0; d];
    for (bag, mean) in means.chunks_exact_mut(d).enumerate() {
        let instances = bags.instances(bag);
        for &instance in instances {
            columns.apply(bags.row(instance), &mut standard);
            add_scaled(mean, 1.0 / instances.len() as f64, &standard);
        }
    }
    means
}
