//! The gradient of one training step: in one pass or, where memory does not hold the step, in two.
//!
//! A bag's loss needs the predictions of all its instances at once, but only their logits, not what the layers
//! remember for the backward pass. So a step of any size is possible in the memory of a chunk: the first pass computes
//! the logits of all chunks and keeps nothing else; the loss gives its gradient with respect to them; the second pass
//! repeats each chunk, augmentation included, and sends its part of that gradient back. Gradients add up over chunks.
//! This is exact but for batch norm, whose statistics are those of each chunk.

use std::ops::Range;

use candle_core::backprop::GradStore;
use candle_core::{Result as CandleResult, Tensor, Var};
use llp_kernels::{backward, backward_of_mean};
use llp_loss::{BagLoss, BagTargets};
use llp_nn::{Mode, Network};

use crate::TrainError;
use crate::evaluate::all_finite;

/// What a step comes to.
#[derive(Debug)]
pub(crate) struct StepGradient {
    /// The losses of the bags, `[bag]`.
    pub(crate) losses: Tensor,
    /// The logits that they are of, `[instance, class]`, as constants.
    pub(crate) logits: Tensor,
    /// The gradient of their mean, by parameter.
    pub(crate) gradients: GradStore,
}

/// A network and a loss, for a step on some bags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) network: &'a Network,
    pub(crate) loss: &'a dyn BagLoss,
    pub(crate) targets: &'a BagTargets,
    /// A mode in which parameters get gradients.
    pub(crate) mode: Mode,
}

impl Step<'_> {
    /// The step on `images`, all at once. Returns `None` if a logit or a loss is not finite.
    pub(crate) fn in_one_pass(self, images: &Tensor) -> Result<Option<StepGradient>, TrainError> {
        let logits = self.network.forward(images, self.mode)?;
        let Some(losses) = self.losses(&logits)? else { return Ok(None) };
        let gradients = backward_of_mean(&losses)?;
        Ok(Some(StepGradient { losses: losses.detach(), logits: logits.detach(), gradients }))
    }

    /// The step on the images that `images` gives for each of `chunks`, which follow each other. Returns `None` if a
    /// logit or a loss is not finite. Running statistics move once for each chunk.
    pub(crate) fn in_two_passes(
        self,
        chunks: &[Range<usize>],
        images: impl Fn(&Range<usize>) -> Result<Tensor, TrainError>,
    ) -> Result<Option<StepGradient>, TrainError> {
        let forward = |chunk| Ok(self.network.forward(&images(chunk)?, Mode::Preview)?);
        let logits = chunks.iter().map(forward).collect::<Result<Vec<_>, TrainError>>()?;
        let logits = Var::from_tensor(&Tensor::cat(&logits, 0)?)?;
        let Some(losses) = self.losses(&logits)? else { return Ok(None) };
        let Some(logits_gradient) = backward_of_mean(&losses)?.remove(&logits) else {
            unreachable!("a loss depends on its logits")
        };
        let mut sum: Option<GradStore> = None;
        for chunk in chunks {
            let logits = self.network.forward(&images(chunk)?, self.mode)?;
            let weights = logits_gradient.narrow(0, chunk.start, chunk.len())?;
            let gradients = backward(&(logits * weights)?.sum_all()?)?;
            sum = Some(match sum {
                Some(sum) => add(self.network, sum, &gradients)?,
                None => gradients,
            });
        }
        let (losses, logits) = (losses.detach(), logits.as_detached_tensor());
        Ok(sum.map(|gradients| StepGradient { losses, logits, gradients }))
    }

    /// The losses of the bags, `[bag]`. Returns `None` if a logit or a loss is known not to be finite.
    ///
    /// On a GPU they are not checked, which would wait for it. The caller sees it later, when it reads the losses.
    fn losses(self, logits: &Tensor) -> Result<Option<Tensor>, TrainError> {
        if logits.device().is_cuda() {
            return match self.loss.forward(logits, self.targets) {
                // Some losses refuse logits that are not finite.
                Err(_) if !all_finite(logits)? => Ok(None),
                losses => Ok(Some(losses?)),
            };
        }
        if !all_finite(logits)? {
            return Ok(None);
        }
        let losses = self.loss.forward(logits, self.targets)?;
        let sum: f64 = losses.to_vec1::<f32>()?.iter().map(|loss| f64::from(*loss)).sum();
        Ok(sum.is_finite().then_some(losses))
    }
}

/// The sum of two gradients of every parameter of a network.
pub(crate) fn add(network: &Network, mut sum: GradStore, more: &GradStore) -> CandleResult<GradStore> {
    for entry in network.state_dict().entries() {
        if let (Some(a), Some(b)) = (sum.get(&entry.var), more.get(&entry.var)) {
            let both = (a + b)?;
            sum.insert(&entry.var, both);
        }
    }
    Ok(sum)
}

/// `n_images` in as few chunks of at most `limit` as possible, of sizes that differ by at most one.
pub(crate) fn chunks(n_images: usize, limit: usize) -> Vec<Range<usize>> {
    let n_chunks = n_images.div_ceil(limit);
    (0..n_chunks).map(|i| i * n_images / n_chunks..(i + 1) * n_images / n_chunks).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use llp_bags::Proportions;
    use llp_bags::rng::{Purpose, stream};
    use llp_loss::Kl;
    use llp_nn::{ResNet18, ResNetConfig, Stem};
    use proptest::prelude::*;

    use super::*;

    const N_IMAGES: usize = 24;

    fn network() -> Network {
        let config = ResNetConfig { stem: Stem::Cifar, channels: 1, width: 4, n_classes: 3 };
        ResNet18::new(config, &mut stream(3, Purpose::Init, 0), &Device::Cpu).unwrap().into()
    }

    fn images() -> Tensor {
        let pixels: Vec<f32> = (0..N_IMAGES * 64).map(|i| (i as f32).powi(2).sin()).collect();
        Tensor::from_vec(pixels, (N_IMAGES, 8, 8, 1), &Device::Cpu).unwrap()
    }

    /// One bag that holds all but a few of the images, and a small one.
    fn targets() -> BagTargets {
        let counts: [&[u32]; 2] = [&[4, 6, 10], &[2, 1, 1]];
        let proportions = counts.map(|counts| Proportions::from_counts(counts).unwrap());
        BagTargets::new(vec![N_IMAGES - 4, 4], &proportions).unwrap()
    }

    fn in_two_passes(network: &Network, chunks: &[Range<usize>]) -> StepGradient {
        let (images, targets) = (images(), targets());
        let step = Step { network, loss: &Kl, targets: &targets, mode: Mode::Train };
        let chunk = |chunk: &Range<usize>| Ok(images.narrow(0, chunk.start, chunk.len())?);
        step.in_two_passes(chunks, chunk).unwrap().unwrap()
    }

    /// The gradients of all parameters, then every tensor of the network with its running statistics.
    fn numbers(network: &Network, step: &StepGradient) -> (Vec<f32>, Vec<f32>) {
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let state = network.state_dict();
        let gradients = state.entries().iter().filter_map(|entry| step.gradients.get(&entry.var));
        let gradients: Vec<f32> = gradients.flat_map(flat).collect();
        (gradients, state.entries().iter().flat_map(|entry| flat(&entry.var)).collect())
    }

    /// With one chunk, two passes are one pass, bit for bit.
    #[test]
    fn two_passes_over_one_chunk_are_one_pass() {
        let (a, b) = (network(), network());
        let two = in_two_passes(&a, &chunks(N_IMAGES, N_IMAGES));
        let step = Step { network: &b, loss: &Kl, targets: &targets(), mode: Mode::Train };
        let one = step.in_one_pass(&images()).unwrap().unwrap();
        let losses = |step: &StepGradient| step.losses.to_vec1::<f32>().unwrap();
        assert_eq!(losses(&two), losses(&one));
        assert_eq!(numbers(&a, &two), numbers(&b, &one));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

        /// The gradient is that of one graph through all chunks, which would need the memory of the whole step, and
        /// the running statistics are those of one training pass over each chunk.
        #[test]
        fn two_passes_give_the_gradient_of_the_whole_graph(limit in 3..N_IMAGES) {
            let (a, b) = (network(), network());
            let chunks = chunks(N_IMAGES, limit);
            let two = in_two_passes(&a, &chunks);
            let images = images();
            let logits = chunks.iter().map(|chunk| {
                b.forward(&images.narrow(0, chunk.start, chunk.len()).unwrap(), Mode::Train).unwrap()
            });
            let logits = Tensor::cat(&logits.collect::<Vec<_>>(), 0).unwrap();
            let losses = Kl.forward(&logits, &targets()).unwrap();
            let gradients = backward(&losses.mean_all().unwrap()).unwrap();
            let whole = StepGradient { losses, logits: logits.detach(), gradients };
            let ((g, state), (expected, expected_state)) = (numbers(&a, &two), numbers(&b, &whole));
            prop_assert_eq!(state, expected_state);
            let largest = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
            prop_assert_eq!(g.len(), expected.len());
            for (got, expected) in g.iter().zip(&expected) {
                // The same products in another order of addition.
                prop_assert!((got - expected).abs() <= 1e-5 * largest, "{got} {expected}");
            }
        }

        /// Chunks cover the images in order, none above the limit, sizes within one of each other, as few as possible.
        #[test]
        fn chunks_cover_evenly(n in 1_usize..3000, limit in 1_usize..3000) {
            let chunks = chunks(n, limit);
            prop_assert_eq!(chunks.len(), n.div_ceil(limit));
            let joined: Vec<usize> = chunks.iter().cloned().flatten().collect();
            prop_assert_eq!(joined, (0..n).collect::<Vec<_>>());
            let sizes = chunks.iter().map(ExactSizeIterator::len);
            let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
            prop_assert!(most <= limit && most - least <= 1 && least > 0);
        }
    }
}
