//! Criteria on held-out bags: what is chosen by where there is no instance label.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::record::EpochRecord;

/// A number that held-out bags give for every epoch, without any instance label; smaller is better.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    VariantNames,
    IntoStaticStr,
    EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Criterion {
    /// The KL loss of mean predictions, in nats.
    Kl,
    /// The L1 distance of the counts of predicted classes and the known counts, for each instance.
    CountL1,
    /// The negative log-likelihood of the known counts, in nats for each bag.
    CountLikelihood,
}

impl Criterion {
    /// All criteria.
    pub const ALL: [Self; 3] = [Self::Kl, Self::CountL1, Self::CountLikelihood];

    /// The name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The name in tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kl => "KL",
            Self::CountL1 => "L1 of counts",
            Self::CountLikelihood => "Count likelihood",
        }
    }

    /// The name within a sentence.
    pub(crate) fn in_middle(self) -> &'static str {
        match self {
            Self::Kl => "KL",
            Self::CountL1 => "L1 of counts",
            Self::CountLikelihood => "count likelihood",
        }
    }

    /// The unit of its values.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Kl => "nats",
            Self::CountL1 => "per instance",
            Self::CountLikelihood => "nats per bag",
        }
    }

    /// What is best, in words that follow "the".
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Kl => "smallest KL loss",
            Self::CountL1 => "smallest L1 distance of predicted and known counts",
            Self::CountLikelihood => "largest likelihood of the known counts",
        }
    }

    /// Its value after an epoch. Returns `None` without held-out bags, and for records of versions that did not know
    /// it.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        match self {
            Self::Kl => record.held_out_kl,
            Self::CountL1 => record.held_out_count_l1,
            Self::CountLikelihood => record.held_out_count_nll,
        }
    }

    /// The best of some epochs; of equally good ones the last, which has been trained for longer.
    ///
    /// Returns `None` if no epoch has a value.
    pub fn best_epoch<'a>(
        self,
        epochs: impl IntoIterator<Item = &'a EpochRecord>,
    ) -> Option<&'a EpochRecord> {
        let values = epochs.into_iter().filter_map(|record| Some((self.of(record)?, record)));
        // `max_by` takes the last of equals.
        values.max_by(|a, b| b.0.total_cmp(&a.0)).map(|(_, record)| record)
    }
}
