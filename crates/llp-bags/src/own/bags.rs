//! Bags of own data.

use llp_data::DataError;
use llp_ot::{Imprecision, Proportions};

use super::{FeatureSchema, OwnData};
use crate::check::check_fraction;
use crate::rng::{self, Purpose};
use crate::source::hash_len;
use crate::{BagSet, fold};

/// A bag, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnBag {
    /// Its name.
    pub name: String,
    /// The ids of its instances, ascending; at least one.
    pub instances: Vec<u32>,
    /// The shares of its classes: as given, or the best guess.
    pub proportions: Proportions,
    /// What is known of the errors of these.
    pub imprecision: Imprecision,
}

impl OwnData {
    /// The training bags as training sees them.
    ///
    /// # Errors
    /// Those of [`BagSet::new`]; none for data as it was read.
    pub fn bag_set(&self) -> Result<BagSet, DataError> {
        self.bag_set_of(&self.bags)
    }

    /// The held-out bags; `None` if there are none.
    ///
    /// # Errors
    /// Those of [`BagSet::new`]; none for data as it was read.
    pub fn held_out_bag_set(&self) -> Result<Option<BagSet>, DataError> {
        if self.held_out.is_empty() { Ok(None) } else { self.bag_set_of(&self.held_out).map(Some) }
    }

    fn bag_set_of(&self, bags: &[OwnBag]) -> Result<BagSet, DataError> {
        let instances = bags.iter().map(|bag| bag.instances.clone()).collect();
        let proportions = bags.iter().map(|bag| bag.proportions.clone()).collect();
        let imprecision = bags.iter().map(|bag| bag.imprecision.clone()).collect();
        BagSet::new(self.data.train.instances.clone(), instances, proportions)?.with_imprecision(imprecision)
    }

    /// Sets a uniform choice of `fraction` of the training bags aside, rounded to whole bags, unless the tables name
    /// held-out bags themselves. At least one bag is left for training.
    ///
    /// The choice depends on the names of the bags and the seed, not on the order of any row.
    ///
    /// # Errors
    /// An error unless `0 <= fraction < 1`.
    pub fn hold_out(self, fraction: f64, seed: u64) -> Result<Self, DataError> {
        check_fraction(fraction)?;
        if !self.held_out.is_empty() {
            return Ok(self);
        }
        let n_bags = self.bags.len();
        let n_held_out = ((n_bags as f64 * fraction).round() as usize).min(n_bags - 1);
        let mut order: Vec<u32> = (0..n_bags as u32).collect();
        rng::shuffle(&mut order, &mut rng::stream(seed, Purpose::HeldOut, 0));
        let mut is_held_out = vec![false; n_bags];
        for &bag in &order[..n_held_out] {
            is_held_out[bag as usize] = true;
        }
        Ok(self.set_aside(is_held_out))
    }

    /// Sets one of `n_folds` parts of the training bags aside, in place of held-out bags that the tables name: see
    /// [`fold`](fn@crate::fold).
    ///
    /// # Errors
    /// Those of [`fold`](fn@crate::fold).
    pub fn fold(self, n_folds: usize, index: usize, seed: u64) -> Result<Self, DataError> {
        let mut is_held_out = vec![false; self.bags.len()];
        for bag in fold(self.bags.len(), n_folds, index, seed)?.held_out {
            is_held_out[bag] = true;
        }
        Ok(self.set_aside(is_held_out))
    }

    fn set_aside(mut self, is_held_out: Vec<bool>) -> Self {
        let mut flags = is_held_out.into_iter();
        (self.held_out, self.bags) = self.bags.into_iter().partition(|_| flags.next().unwrap_or(false));
        self
    }

    /// A hash that identifies instances, bags and proportions wherever they are stored: 64 hexadecimal digits of
    /// BLAKE3.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("llp-bags own data fingerprint, version 1");
        hasher.update(self.data.fingerprint().as_bytes());
        if let Some(shifts) = self.schema.as_ref().and_then(FeatureSchema::shifts) {
            hasher.update(shifts.as_bytes());
        }
        for bags in [&self.bags, &self.held_out, &self.test_bags] {
            hash_len(&mut hasher, bags.len());
            for bag in bags {
                hash_bag(&mut hasher, bag);
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Every part is preceded by its length, so that different contents never make equal streams.
fn hash_bag(hasher: &mut blake3::Hasher, bag: &OwnBag) {
    hash_len(hasher, bag.name.len());
    hasher.update(bag.name.as_bytes());
    hash_len(hasher, bag.instances.len());
    for instance in &bag.instances {
        hasher.update(&instance.to_le_bytes());
    }
    hash_numbers(hasher, bag.proportions.as_slice());
    match &bag.imprecision {
        Imprecision::Exact => hash_len(hasher, 0),
        Imprecision::StandardErrors(errors) => {
            hash_len(hasher, 1);
            hash_numbers(hasher, errors);
        }
        Imprecision::Intervals { low, high } => {
            hash_len(hasher, 2);
            hash_numbers(hasher, low);
            hash_numbers(hasher, high);
        }
    }
}

fn hash_numbers(hasher: &mut blake3::Hasher, numbers: &[f64]) {
    hash_len(hasher, numbers.len());
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
}
