//! What makes a manifest sound, with and without its data set.

use std::fmt;

use llp_data::DataError;

use super::{BagKind, BagManifest, BagPart, CountedBag, short};
use crate::source::Dataset;

/// A list of instances in a manifest; bags are counted from 0.
#[derive(Clone, Copy, PartialEq)]
enum InstanceList {
    Bag(usize),
    HeldOutBag(usize),
    Remainder,
}

impl fmt::Display for InstanceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bag(bag) => write!(f, "bag {bag}"),
            Self::HeldOutBag(bag) => write!(f, "held-out bag {bag}"),
            Self::Remainder => f.write_str("the remainder"),
        }
    }
}

impl BagManifest {
    /// Checks that bags are of the right size, disjoint, and hold instances that exist, as often as their counts say.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), DataError> {
        if self.data.split != "train" {
            let problem = format!("these are bags of the split {:?}, expected \"train\"", self.data.split);
            return Err(DataError::new(problem));
        }
        if self.data.class_names.is_empty() {
            return Err(DataError::new("there is no class: at least one is needed"));
        }
        if self.train.bags.is_empty() {
            return Err(DataError::new("there is no bag: at least one is needed"));
        }
        for (place, bag) in self.bags() {
            self.check_bag(place, bag)?;
        }
        self.check_instances()
    }

    /// Checks that these are bags of this data set.
    ///
    /// # Errors
    /// The data has another fingerprint.
    pub fn check_data(&self, dataset: &Dataset) -> Result<(), DataError> {
        let got = dataset.fingerprint();
        if got == self.data.fingerprint && dataset.train.instances.len() == self.data.n_instances as usize {
            return Ok(());
        }
        let (name, expected, got) = (&self.data.name, short(&self.data.fingerprint), short(&got));
        let problem = format!("these are bags of {name:?} with fingerprint {expected}, the data has {got}");
        Err(DataError::new(problem).remedy("make bags of this data, or give the data that they were made of"))
    }

    /// Checks that these are the bags of a hash, whole or its first digits.
    ///
    /// # Errors
    /// The manifest has another hash.
    pub fn check_hash(&self, expected: &str) -> Result<(), DataError> {
        let got = self.hash();
        if got.starts_with(expected) {
            return Ok(());
        }
        let got: String = got.chars().take(expected.len()).collect();
        let problem = format!("the bags have hash {got}, the configuration asks for {expected}");
        Err(DataError::new(problem).remedy("give the original file with --bags FILE"))
    }

    fn bags(&self) -> impl Iterator<Item = (InstanceList, &CountedBag)> {
        let place = |place: fn(usize) -> InstanceList| move |(bag, counted)| (place(bag), counted);
        let train = self.train.bags.iter().enumerate().map(place(InstanceList::Bag));
        train.chain(self.held_out.bags.iter().enumerate().map(place(InstanceList::HeldOutBag)))
    }

    fn check_bag(&self, place: InstanceList, bag: &CountedBag) -> Result<(), DataError> {
        let (size, got) = (self.recipe.size, bag.instances.len());
        let fits = if matches!(self.recipe.kind, BagKind::Column { .. }) { got <= size } else { got == size };
        if !fits || got == 0 {
            let problem = format!("{place} has {got} instances, the recipe says {size}");
            return Err(DataError::new(problem));
        }
        let n_classes = self.data.class_names.len();
        if bag.counts.len() != n_classes {
            let got = bag.counts.len();
            let problem = format!("{place} has counts of {got} classes, the data set has {n_classes}");
            return Err(DataError::new(problem));
        }
        let sum: u64 = bag.counts.iter().copied().map(u64::from).sum();
        if sum != got as u64 {
            let problem = format!("the counts of {place} add up to {sum}, it has {got} instances");
            return Err(DataError::new(problem));
        }
        Ok(())
    }

    /// Sorts all ids, rather than marking them: memory follows the size of the file, not a number in it.
    fn check_instances(&self) -> Result<(), DataError> {
        let remainder = |part: &'_ BagPart| {
            part.remainder.iter().map(|&id| (id, InstanceList::Remainder)).collect::<Vec<_>>()
        };
        let mut listed: Vec<(u32, InstanceList)> =
            self.bags().flat_map(|(place, bag)| bag.instances.iter().map(move |&id| (id, place))).collect();
        listed.extend(remainder(&self.train));
        listed.extend(remainder(&self.held_out));
        let n_instances = self.data.n_instances;
        if let Some(&(instance, place)) = listed.iter().find(|(id, _)| *id >= n_instances) {
            let last = i64::from(n_instances) - 1;
            let problem = format!("{place} has instance {instance}, but instances go from 0 to {last}");
            return Err(DataError::new(problem));
        }
        listed.sort_by_key(|(id, _)| *id); // stable: places stay in the order of the file
        match listed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(()),
            Some(pair) => {
                let (instance, first, second) = (pair[0].0, pair[0].1, pair[1].1);
                let again = if first == second { "twice".to_owned() } else { format!("and in {second}") };
                let problem = format!("instance {instance} is in {first} {again}");
                Err(DataError::new(problem).remedy("an instance belongs to one bag, once"))
            }
        }
    }
}
