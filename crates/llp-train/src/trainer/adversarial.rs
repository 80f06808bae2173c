//! Virtual adversarial training: each instance is moved to where its prediction changes most, and the prediction is to stay.

use candle_core::backprop::GradStore;
use candle_core::{D, Tensor, Var};
use llp_bags::EpochAugmentation;
use llp_bags::rng::{Purpose, normal, stream};
use llp_kernels::backward;
use llp_nn::Mode;

use super::Trainer;
use super::one_step::StepBags;
use crate::TrainError;
use crate::evaluate::all_finite;
use crate::step::{StepGradient, add, chunks};

/// Length of the step in a random direction, in which the direction of the largest change is looked for.
const PROBE: f64 = 1e-3;

impl Trainer<'_> {
    /// The gradient by the parameters of `weight` times the mean over the instances of `KL(p(x) | p(x + r))`. There
    /// `p(x)` is constant, the prediction of the step, and `r` has the length `consistency.distance` and the direction in
    /// which the prediction changes most: one step of the power method from a random one. Returns `None` if a number is
    /// known not to be finite.
    ///
    /// Source: \[miyato:18\]; in learning from proportions LLP-VAT, \[tsai:20\]. Deviation: the first step is 1e-3 long, not
    /// 1e-6, which single precision does not resolve.
    pub(super) fn adversarial_gradient(
        &self,
        bags: &StepBags,
        plain: &StepGradient,
        augmentation: &EpochAugmentation,
        weight: f64,
    ) -> Result<Option<GradStore>, TrainError> {
        let n = bags.instances.len();
        let mut rng = stream(self.seed, Purpose::Adversarial, self.position.total_steps);
        let mut sum: Option<GradStore> = None;
        for chunk in chunks(n, self.images_per_chunk) {
            let x = self.inputs.of(self.data, &bags.instances[chunk.clone()], augmentation)?;
            let log_p = log_softmax(&plain.logits.narrow(0, chunk.start, chunk.len())?)?;
            let random: Vec<f32> = (0..x.elem_count()).map(|_| normal(&mut rng) as f32).collect();
            let random = Tensor::from_vec(random, x.shape(), x.device())?;
            let moved = Var::from_tensor(&(&x + (unit(&random)? * PROBE)?)?)?;
            let Some(slope) = backward(&self.divergence(&log_p, moved.as_tensor())?)?.remove(&moved) else {
                unreachable!("predictions depend on what they are for")
            };
            let farthest = (unit(&slope)? * self.consistency.distance())?;
            let loss = (self.divergence(&log_p, &(x + farthest)?.detach())? * (weight / n as f64))?;
            if !all_finite(&loss)? {
                return Ok(None);
            }
            let gradients = backward(&loss)?;
            sum = Some(match sum {
                Some(sum) => add(&self.network, sum, &gradients)?,
                None => gradients,
            });
        }
        Ok(sum)
    }

    /// The sum over instances of the divergence of the prediction for `x` from those with the logarithms `log_p`.
    fn divergence(&self, log_p: &Tensor, x: &Tensor) -> Result<Tensor, TrainError> {
        let log_q = log_softmax(&self.network.forward(x, Mode::TrainAside)?)?;
        Ok((log_p.exp()? * (log_p - log_q)?)?.sum_all()?)
    }
}

/// Log-probabilities of logits `[instance, class]`, differentiable.
fn log_softmax(logits: &Tensor) -> Result<Tensor, TrainError> {
    Ok(logits.broadcast_sub(&logits.log_sum_exp(D::Minus1)?.unsqueeze(1)?)?)
}

/// The rows of `values`, `[instance, ...]`, each with length 1; a row of zeros stays.
fn unit(values: &Tensor) -> Result<Tensor, TrainError> {
    let rows = values.flatten_from(1)?;
    let norms = (rows.sqr()?.sum_keepdim(1)?.sqrt()? + f64::from(f32::MIN_POSITIVE))?;
    Ok(rows.broadcast_div(&norms)?.reshape(values.shape())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_get_length_one() {
        let values =
            Tensor::new(&[[[3.0_f32], [4.0]], [[0.0], [0.0]], [[-2.0], [0.0]]], &candle_core::Device::Cpu);
        let rows = unit(&values.unwrap()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(rows, [0.6, 0.8, 0.0, 0.0, -1.0, 0.0]);
    }
}
