//! A penalized loss as a function of standardized parameters, and its minimum as a model.

use llp_ot::Real;

use crate::columns::Columns;
use crate::kernels::dot;
use crate::lbfgs::minimize;
use crate::pass::{Loss, Pass};
use crate::{Bags, Fit, LinearModel, Stopping};

/// `factor * loss - <mean operator, parameters> + l2 / 2 |weights|^2`, in standardized coordinates.
///
/// Parameters are `[class, column + 1]`, the bias last; the bias is not penalized. Rows are never copied:
/// standardization is folded into the weights.
pub(crate) struct Objective<'a, T> {
    pub(crate) pass: Pass<'a, T>,
    pub(crate) columns: Columns,
    pub(crate) loss: Loss<'a>,
    pub(crate) factor: f64,
    pub(crate) l2: f64,
    /// As the parameters; empty for none.
    pub(crate) mean_operator: Vec<f64>,
}

impl<'a, T: Real> Objective<'a, T> {
    /// The mean loss of an instance, without a mean operator.
    pub(crate) fn new(bags: &'a Bags<'a, T>, columns: Columns, loss: Loss<'a>, l2: f64) -> Self {
        let factor = match loss {
            Loss::BagKl(_) | Loss::Linear(_) => 1.0,
            Loss::LogSumExp | Loss::Targets(_) => 1.0 / bags.n_instances() as f64,
        };
        Self { pass: Pass::new(bags), columns, loss, factor, l2, mean_operator: Vec::new() }
    }

    /// Value, and gradient into `gradient`.
    pub(crate) fn evaluate(&self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let d = self.columns.mean.len();
        let model = self.model(parameters);
        let sums = self.pass.evaluate(&model.weights, &model.bias, &self.loss);
        let mut value = self.factor * sums.value;
        let raw = sums.weights.chunks_exact(d).zip(&sums.bias);
        for ((g, x), (raw, bias)) in
            gradient.chunks_exact_mut(d + 1).zip(parameters.chunks_exact(d + 1)).zip(raw)
        {
            for column in 0..d {
                let centred = raw[column] - self.columns.mean[column] * bias;
                g[column] = self.factor * self.columns.scale[column] * centred + self.l2 * x[column];
            }
            g[d] = self.factor * bias;
            value += 0.5 * self.l2 * dot(&x[..d], &x[..d]);
        }
        if !self.mean_operator.is_empty() {
            value -= dot(&self.mean_operator, parameters);
            gradient.iter_mut().zip(&self.mean_operator).for_each(|(g, operator)| *g -= operator);
        }
        value
    }

    /// The minimum, from parameters to start with.
    pub(crate) fn fit(&self, start: Vec<f64>, stopping: &Stopping) -> Fit {
        let minimum = minimize(|x, gradient| self.evaluate(x, gradient), start, stopping);
        Fit {
            model: self.model(&minimum.x),
            objective: minimum.value,
            gradient_norm: minimum.gradient_norm,
            n_evaluations: minimum.n_evaluations,
            converged: minimum.converged,
        }
    }

    /// The parameters of a model on raw features.
    pub(crate) fn parameters(&self, model: &LinearModel) -> Vec<f64> {
        let standard = self.columns.standard_model(model);
        let rows = standard.weights.chunks_exact(self.columns.mean.len()).zip(&standard.bias);
        rows.flat_map(|(w, b)| w.iter().chain([b]).copied()).collect()
    }

    fn model(&self, parameters: &[f64]) -> LinearModel {
        let d = self.columns.mean.len();
        let rows = parameters.chunks_exact(d + 1);
        let weights: Vec<f64> = rows.clone().flat_map(|row| row[..d].iter().copied()).collect();
        let bias: Vec<f64> = rows.map(|row| row[d]).collect();
        self.columns.raw_model(&weights, &bias)
    }
}

#[cfg(test)]
mod tests {
    use llp_ot::Proportions;

    use super::*;

    /// Theorem: the gradient of every loss is that of central differences, for bags of one part and of many.
    #[test]
    fn gradients_are_those_of_central_differences() {
        let (n, d, k) = (2600, 3, 3);
        let noise = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.5;
        let features: Vec<f64> = (0..n * d).map(|i| 3.0 + noise(i) * (1 + i % d) as f64).collect();
        let bag_of: Vec<u32> = (0..n).map(|i| if i < 2200 { 0 } else { 1 + (i % 3) as u32 }).collect();
        let proportions: Vec<Proportions> = [[1, 2, 3], [4, 0, 1], [1, 1, 1], [0, 0, 1]]
            .map(|c| Proportions::from_counts(&c).unwrap())
            .to_vec();
        let bags = Bags::new(&features, d, &bag_of, &proportions).unwrap();
        let targets: Vec<f64> = (0..n * k).map(|i| noise(i) + 0.7).collect();
        let weights = [0.25, 0.5, 1.0, 0.125];
        let coefficients: Vec<f64> = (0..4 * k).map(noise).collect();
        for loss in
            [Loss::LogSumExp, Loss::Targets(&targets), Loss::BagKl(&weights), Loss::Linear(&coefficients)]
        {
            let mut objective = Objective::new(&bags, Columns::of(&bags), loss, 0.1);
            objective.mean_operator = (0..k * (d + 1)).map(|i| 0.1 * noise(i)).collect();
            let x: Vec<f64> = (0..k * (d + 1)).map(|i| 2.0 * noise(3 * i)).collect();
            let mut gradient = vec![0.0; x.len()];
            objective.evaluate(&x, &mut gradient);
            let at = |i: usize, h: f64| {
                let mut moved = x.clone();
                moved[i] += h;
                objective.evaluate(&moved, &mut vec![0.0; x.len()])
            };
            for i in 0..x.len() {
                if matches!(loss, Loss::Linear(_)) {
                    continue; // has derivatives only
                }
                let difference = (at(i, 1e-5) - at(i, -1e-5)) / 2e-5;
                let error = (difference - gradient[i]).abs();
                assert!(error < 1e-8, "{loss:?}: {difference} {}", gradient[i]); // h^2 and rounding / h
            }
        }
    }
}
