//! Labels that a network gives to one view of its instances, as targets for another view.

use candle_core::{D, Tensor};
use llp_ot::{Proportions, assign};

use crate::softmax::log_softmax;
use crate::{BagLoss, BagTargets, LossError};

/// The name in messages.
const NAME: &str = "consistency";

/// How the instances of a bag get labels from their predictions `p`, `[instance, class]`, and how much each label counts.
///
/// The bag loss says what a bag holds, the labels which instance is what: a network that is sure of a weakly changed view
/// learns to say the same of a strongly changed one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Consistency {
    /// Which class an instance is labelled with.
    pub labels: LabelRule,
    /// The weight of its label.
    pub weights: LabelWeight,
}

/// Which class an instance is labelled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelRule {
    /// The labels of largest total log-probability that have exactly the counts of the bag ([`llp_ot::assign`]). Where `n z`
    /// is not whole, the counts are those of largest remainders.
    ///
    /// Source: LLP-DC \[ma:26\].
    Assigned,
    /// The most probable class, whatever the counts.
    ///
    /// Source: L2P-AHIL \[ma:24\].
    MostProbable,
}

/// The weight of a label `y` of an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LabelWeight {
    /// 1 where its probability `p_jy` is at least this, else 0.
    ///
    /// Source: LLP-DC \[ma:26\].
    Threshold(f64),
    /// `exp(-H(p_j)^2 / beta) exp(-(H(q_y) - log(n z_y + 1e-8))^2 / beta)`, where `q_y` is the distribution over the instances
    /// of the bag that is proportional to `p_jy`: near 1 where the instance is sure, and the class is spread over as many
    /// instances as the bag has of it.
    ///
    /// Source: L2P-AHIL \[ma:24\].
    Entropy {
        /// In square nats.
        beta: f64,
    },
}

impl Consistency {
    /// The labels of all instances by their logits, `[instance, class]`, bag after bag. No gradient goes through them.
    ///
    /// # Errors
    /// Logits of another shape or that are not finite, and a class of unknown share.
    pub fn labels(&self, logits: &Tensor, targets: &BagTargets) -> Result<BagLabels, LossError> {
        targets.check(logits)?;
        refuse_unknown(targets)?;
        let n_classes = targets.n_classes();
        let logits: Vec<f64> = logits.to_dtype(candle_core::DType::F64)?.flatten_all()?.to_vec1()?;
        let log_probs = log_softmax(&logits, n_classes);
        let mut labels = BagLabels { classes: Vec::new(), weights: Vec::new() };
        let mut start = 0;
        for (bag, size) in targets.sizes().iter().enumerate() {
            let end = start + size * n_classes;
            let (of_bag, proportions) = (&log_probs[start..end], targets.proportions_of(bag));
            let classes = self.labels.classes(of_bag, proportions)?;
            labels.weights.extend(self.weights.of_bag(of_bag, proportions, &classes));
            labels.classes.extend(classes);
            start = end;
        }
        Ok(labels)
    }
}

fn refuse_unknown(targets: &BagTargets) -> Result<(), LossError> {
    for bag in 0..targets.n_bags() {
        let is_unknown = |class: &usize| targets.imprecision_of(bag).is_unknown(*class);
        if let Some(class) = (0..targets.n_classes()).find(is_unknown) {
            return Err(LossError::Input(format!(
                "consistency needs the share of every class, that of class {class} in bag {bag} is unknown: train without it"
            )));
        }
    }
    Ok(())
}

impl LabelRule {
    /// The class of each instance of a bag, by log-probabilities `[instance, class]`.
    fn classes(self, log_probs: &[f64], proportions: &[f64]) -> Result<Vec<usize>, LossError> {
        let n_classes = proportions.len();
        let rows = log_probs.chunks_exact(n_classes);
        match self {
            Self::MostProbable => {
                let largest =
                    |row: &[f64]| (0..n_classes).max_by(|a, b| row[*a].total_cmp(&row[*b]).then(b.cmp(a)));
                Ok(rows.filter_map(largest).collect())
            }
            Self::Assigned => {
                let n = rows.len();
                let cost: Vec<f64> = (0..n_classes)
                    .flat_map(|class| (0..n).map(move |j| -log_probs[j * n_classes + class]))
                    .collect();
                let counts = Proportions::new(proportions.to_vec())?.largest_remainder_counts(n as u32);
                Ok(assign(&cost, &counts)?.labels)
            }
        }
    }
}

impl LabelWeight {
    /// The weight of each label of a bag, by log-probabilities `[instance, class]`.
    fn of_bag(self, log_probs: &[f64], proportions: &[f64], classes: &[usize]) -> Vec<f64> {
        let rows = log_probs.chunks_exact(proportions.len()).zip(classes);
        match self {
            Self::Threshold(least) => {
                rows.map(|(row, &class)| f64::from(u8::from(row[class].exp() >= least))).collect()
            }
            Self::Entropy { beta } => {
                let of_class: Vec<f64> = (0..proportions.len())
                    .map(|class| {
                        let expected = (classes.len() as f64 * proportions[class] + 1e-8).ln();
                        bell(spread(log_probs, proportions.len(), class) - expected, beta)
                    })
                    .collect();
                rows.map(|(row, &class)| bell(entropy(row.iter().copied()), beta) * of_class[class]).collect()
            }
        }
    }
}

/// `exp(-x^2 / beta)`.
fn bell(x: f64, beta: f64) -> f64 {
    (-x * x / beta).exp()
}

/// `-sum p log p`.
fn entropy(log_probs: impl Iterator<Item = f64>) -> f64 {
    log_probs.map(|log_p| if log_p == f64::NEG_INFINITY { 0.0 } else { -log_p.exp() * log_p }).sum()
}

/// The entropy of how a class is spread over the instances.
fn spread(log_probs: &[f64], n_classes: usize, class: usize) -> f64 {
    let of_class = || log_probs.iter().skip(class).step_by(n_classes).copied();
    let sum = llp_ot::log_sum_exp(of_class());
    entropy(of_class().map(|log_p| log_p - sum))
}

/// A class and a weight for each instance of some bags.
#[derive(Clone, Debug, PartialEq)]
pub struct BagLabels {
    classes: Vec<usize>,
    weights: Vec<f64>,
}

impl BagLabels {
    /// The class of each instance.
    pub fn classes(&self) -> &[usize] {
        &self.classes
    }

    /// The weight of each label.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The same labels with all weights multiplied by a factor.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.weights.iter_mut().for_each(|weight| *weight *= factor);
        self
    }
}

/// `-(1/n) sum_j w_j log p_jy` for each bag: the cross-entropy of another view's logits with the labels.
impl BagLoss for BagLabels {
    fn name(&self) -> &'static str {
        NAME
    }

    fn forward(&self, logits: &Tensor, targets: &BagTargets) -> Result<Tensor, LossError> {
        targets.check(logits)?;
        if self.classes.len() != targets.n_instances() {
            let (got, expected) = (self.classes.len(), targets.n_instances());
            return Err(LossError::Input(format!("got labels of {got} instances, expected {expected}")));
        }
        let (device, dtype) = (logits.device(), logits.dtype());
        let n_classes = targets.n_classes();
        let mut shares = vec![0.0; self.classes.len() * n_classes]; // [instance, class]
        let mut bags = Vec::with_capacity(self.classes.len());
        for (bag, &size) in targets.sizes().iter().enumerate() {
            for _ in 0..size {
                let instance = bags.len();
                shares[instance * n_classes + self.classes[instance]] = -self.weights[instance] / size as f64;
                bags.push(bag as u32);
            }
        }
        let shares = Tensor::from_vec(shares, logits.shape(), device)?.to_dtype(dtype)?;
        let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
        let log_probs = shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)?;
        let of_instance = (log_probs * shares)?.sum(D::Minus1)?;
        let bags = Tensor::from_vec(bags, self.classes.len(), device)?;
        Ok(Tensor::zeros(targets.n_bags(), dtype, device)?.index_add(&bags, &of_instance, 0)?)
    }
}
