//! Virtual adversarial training: each instance is moved to where its prediction changes most, and the prediction is to stay.

use candle_core::backprop::GradStore;
use candle_core::{D, Tensor, Var};
use llp_bags::EpochAugmentation;
use llp_bags::rng::{Purpose, normal, stream};
use llp_kernels::backward;
use llp_nn::{Mode, Network};

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
            let away = direction(&self.network, &log_p, &x, &random)?;
            let farthest = (x + (away * self.consistency.distance())?)?;
            let loss =
                (divergence(&self.network, &log_p, &farthest, Mode::TrainAside)? * (weight / n as f64))?;
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
}

/// Where the predictions change most, of length 1 for each instance: the direction in which the divergence from `log_p`, the
/// predictions for `x`, rises most a little away from `x` in a `random` direction.
fn direction(network: &Network, log_p: &Tensor, x: &Tensor, random: &Tensor) -> Result<Tensor, TrainError> {
    let moved = Var::from_tensor(&(x + (unit(random)? * PROBE)?)?)?;
    let Some(slope) =
        backward(&divergence(network, log_p, moved.as_tensor(), Mode::Preview)?)?.remove(&moved)
    else {
        unreachable!("predictions depend on what they are for")
    };
    Ok(unit(&slope)?.detach())
}

/// The sum over instances of the divergence of the predictions for `x` from those with the logarithms `log_p`.
fn divergence(network: &Network, log_p: &Tensor, x: &Tensor, mode: Mode) -> Result<Tensor, TrainError> {
    let log_q = log_softmax(&network.forward(x, mode)?)?;
    Ok((log_p.exp()? * (log_p - log_q)?)?.sum_all()?)
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
    use candle_core::Device;
    use llp_nn::{Mlp, MlpConfig, ResNet18, ResNetConfig, Stem};

    use super::*;

    fn numbers(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn drawn(shape: &[usize], index: u64) -> Tensor {
        let mut rng = stream(5, Purpose::Init, index);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| normal(&mut rng) as f32).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn predictions(network: &Network, x: &Tensor) -> Tensor {
        log_softmax(&network.forward(x, Mode::Preview).unwrap()).unwrap()
    }

    #[test]
    fn rows_get_length_one() {
        let values = Tensor::new(&[[[3.0_f32], [4.0]], [[0.0], [0.0]], [[-2.0], [0.0]]], &Device::Cpu);
        assert_eq!(numbers(&unit(&values.unwrap()).unwrap()), [0.6, 0.8, 0.0, 0.0, -1.0, 0.0]);
    }

    /// For a linear network with weights `W` the divergence has the second derivative `W^T (diag(p) - p p^T) W`, and the
    /// direction is its product with the random one.
    #[test]
    fn the_direction_is_one_step_of_the_power_method() {
        let config = MlpConfig { n_inputs: 4, hidden: 1, depth: 0, n_classes: 3 };
        let network: Network =
            Mlp::new(config, &mut stream(3, Purpose::Init, 0), &Device::Cpu).unwrap().into();
        let (x, random) = (drawn(&[2, 4], 1), drawn(&[2, 4], 2));
        let log_p = predictions(&network, &x);
        let found = numbers(&direction(&network, &log_p, &x, &random).unwrap());
        let state = network.state_dict();
        let weight = numbers(state.entries()[0].var.as_tensor()); // [class, input]
        for row in 0..2 {
            let p: Vec<f32> = numbers(&log_p)[row * 3..row * 3 + 3].iter().map(|log_p| log_p.exp()).collect();
            let d = &numbers(&random)[row * 4..row * 4 + 4];
            let z: Vec<f32> = weight
                .chunks_exact(4)
                .map(|of_class| of_class.iter().zip(d).map(|(w, d)| w * d).sum())
                .collect();
            let mean: f32 = p.iter().zip(&z).map(|(p, z)| p * z).sum();
            let image =
                (0..4).map(|input| (0..3).map(|k| weight[k * 4 + input] * p[k] * (z[k] - mean)).sum());
            let image: Vec<f32> = image.collect();
            let norm = image.iter().map(|x| x * x).sum::<f32>().sqrt();
            for (found, expected) in found[row * 4..row * 4 + 4].iter().zip(&image) {
                assert!((found - expected / norm).abs() < 2e-3, "{found} {}", expected / norm);
            }
        }
    }

    /// Through convolutions and batch norm too, predictions change more in this direction than in a random one.
    #[test]
    fn predictions_change_more_there_than_elsewhere() {
        let config = ResNetConfig { stem: Stem::Cifar, channels: 1, width: 4, n_classes: 3 };
        let network: Network =
            ResNet18::new(config, &mut stream(3, Purpose::Init, 0), &Device::Cpu).unwrap().into();
        let (x, random) = (drawn(&[6, 8, 8, 1], 1), drawn(&[6, 8, 8, 1], 2));
        let log_p = predictions(&network, &x);
        let change = |direction: &Tensor| {
            let moved = (&x + (direction * 0.1).unwrap()).unwrap();
            divergence(&network, &log_p, &moved, Mode::Preview).unwrap().to_scalar::<f32>().unwrap()
        };
        let (found, other) =
            (change(&direction(&network, &log_p, &x, &random).unwrap()), change(&unit(&random).unwrap()));
        assert!(found > 3.0 * other, "{found} {other}");
    }
}
