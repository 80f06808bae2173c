//! Several networks of one kind of data, such as one for each seed, that predict together.

use std::path::PathBuf;

use llp_bags::Instances;
use llp_data::DataError;
use llp_ot::argmax;

use crate::scores::log_probabilities;
use crate::{CheckpointState, Predictor, TrainError};

/// Networks whose probabilities are averaged; at least one.
#[derive(Debug)]
pub struct Ensemble {
    members: Vec<Predictor>,
}

/// What networks say together of some instances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opinion {
    /// The mean of the members' probabilities, row-major `[instance, class]`.
    pub probabilities: Vec<f64>,
    /// The share of the members whose most probable class is that of the mean, `[instance]`; empty for a single network.
    pub agreements: Vec<f64>,
}

impl Ensemble {
    /// The ensemble of some networks and where they came from.
    ///
    /// # Errors
    /// When two of them do not take the same instances or do not have the same classes in the same order.
    ///
    /// # Panics
    /// When there is no network.
    pub fn new(members: Vec<(PathBuf, Predictor)>) -> Result<Self, DataError> {
        let (first, one) = &members[0];
        for (other, predictor) in &members[1..] {
            if let Some(what) = difference(one.state(), predictor.state()) {
                let problem = format!("its {what} are not those of {}", first.display());
                let remedy = "an ensemble needs networks that were trained on the same data";
                return Err(DataError::of(other, problem).remedy(remedy));
            }
        }
        Ok(Self { members: members.into_iter().map(|(_, predictor)| predictor).collect() })
    }

    /// The first network, which stands for what all have in common.
    pub fn first(&self) -> &Predictor {
        &self.members[0]
    }

    /// The number of networks.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// What the networks say of some instances; the logits of each are divided by `temperature`.
    ///
    /// # Errors
    /// When the instances do not fit the networks; outputs that are not finite.
    pub fn opinion(
        &self,
        data: &Instances,
        instances: &[u32],
        temperature: f64,
    ) -> Result<Opinion, TrainError> {
        if instances.is_empty() {
            return Ok(Opinion::default());
        }
        let n_classes = self.first().state().class_names.len();
        let of_members = self.members.iter().map(|member| {
            let log_probs = log_probabilities(&member.logits(data, instances)?, n_classes, temperature);
            Ok(log_probs.iter().map(|log_p| log_p.exp()).collect())
        });
        Ok(Opinion::of(&of_members.collect::<Result<Vec<_>, TrainError>>()?, n_classes))
    }
}

impl Opinion {
    /// From the probabilities of each member.
    fn of(members: &[Vec<f64>], n_classes: usize) -> Self {
        let [one] = members else {
            let n = members.len() as f64;
            let mean =
                |place: usize| members.iter().map(|probabilities| probabilities[place]).sum::<f64>() / n;
            let probabilities: Vec<f64> = (0..members[0].len()).map(mean).collect();
            let agreements = probabilities.chunks_exact(n_classes).enumerate().map(|(row, probabilities)| {
                let class = argmax(probabilities);
                let agrees = |member: &&Vec<f64>| argmax(&member[row * n_classes..][..n_classes]) == class;
                members.iter().filter(agrees).count() as f64 / n
            });
            let agreements = agreements.collect();
            return Self { probabilities, agreements };
        };
        Self { probabilities: one.clone(), agreements: vec![] }
    }
}

/// What keeps two networks from taking the same instances and naming the same classes.
fn difference(one: &CheckpointState, other: &CheckpointState) -> Option<&'static str> {
    [
        ("classes", one.class_names == other.class_names),
        ("instances", one.shape == other.shape),
        ("columns", one.features == other.features),
    ]
    .into_iter()
    .find_map(|(what, is_equal)| (!is_equal).then_some(what))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The mean of probabilities are probabilities; equal members agree on everything and change nothing; the order of
        /// members does not matter.
        #[test]
        fn opinions_are_means(rows in prop::collection::vec(prop::collection::vec(0.0..1.0_f64, 6), 1..5)) {
            let normalized = |row: &Vec<f64>| -> Vec<f64> {
                row.chunks(3).flat_map(|row| row.iter().map(|p| (p + 0.01) / (row.iter().sum::<f64>() + 0.03))).collect()
            };
            let members: Vec<Vec<f64>> = rows.iter().map(normalized).collect();
            let together = Opinion::of(&members, 3);
            for row in together.probabilities.chunks(3) {
                prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            prop_assert_eq!(together.agreements.len(), if members.len() == 1 { 0 } else { 2 });
            let reversed = Opinion::of(&members.iter().rev().cloned().collect::<Vec<_>>(), 3);
            for (a, b) in together.probabilities.iter().zip(&reversed.probabilities) {
                prop_assert!((a - b).abs() < 1e-12);
            }
            let equal = Opinion::of(&vec![members[0].clone(); 4], 3);
            prop_assert_eq!(equal.agreements, [1.0; 2]);
            for (a, b) in equal.probabilities.iter().zip(&members[0]) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }

    /// Two of three members see the class of the mean in the first instance; none of the two in the second.
    #[test]
    fn agreement_is_counted() {
        let members = [vec![0.9, 0.1, 0.0], vec![0.6, 0.4, 0.0], vec![0.0, 0.9, 0.1]];
        let opinion = Opinion::of(&members, 3);
        assert_eq!(argmax(&opinion.probabilities), 0);
        assert_eq!(opinion.agreements, [2.0 / 3.0]);
        let opinion = Opinion::of(&[vec![0.5, 0.45, 0.05], vec![0.05, 0.45, 0.5]], 3);
        assert_eq!(opinion.agreements, [0.0]);
    }
}
