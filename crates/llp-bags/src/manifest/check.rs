//! What makes a manifest sound, with and without its data set.

use super::error::InstanceList;
use super::{BagKind, BagManifest, BagPart, CountedBag, ManifestFault, short};
use crate::source::Dataset;

impl BagManifest {
    /// Checks that bags are of the right size, disjoint, and hold instances that exist, as often as their counts say.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), ManifestFault> {
        if self.data.split != "train" {
            return Err(ManifestFault::OtherSplit { got: self.data.split.clone() });
        }
        if self.data.class_names.is_empty() {
            return Err(ManifestFault::NoClasses);
        }
        if self.train.bags.is_empty() {
            return Err(ManifestFault::NoBags);
        }
        for (place, bag) in self.bags() {
            self.check_bag(place, bag)?;
        }
        self.check_instances()
    }

    /// Checks that these are bags of this data set.
    ///
    /// # Errors
    /// [`ManifestFault::OtherData`].
    pub fn check_data(&self, dataset: &Dataset) -> Result<(), ManifestFault> {
        let got = dataset.fingerprint();
        if got == self.data.fingerprint && dataset.train.instances.len() == self.data.n_instances as usize {
            return Ok(());
        }
        let expected = short(&self.data.fingerprint);
        Err(ManifestFault::OtherData { name: self.data.name.clone(), expected, got: short(&got) })
    }

    /// Checks that these are the bags of a hash, whole or its first digits.
    ///
    /// # Errors
    /// [`ManifestFault::OtherBags`].
    pub fn check_hash(&self, expected: &str) -> Result<(), ManifestFault> {
        let got = self.hash();
        if got.starts_with(expected) {
            return Ok(());
        }
        let got = got.chars().take(expected.len()).collect();
        Err(ManifestFault::OtherBags { expected: expected.to_owned(), got })
    }

    fn bags(&self) -> impl Iterator<Item = (InstanceList, &CountedBag)> {
        let place = |place: fn(usize) -> InstanceList| move |(bag, counted)| (place(bag), counted);
        let train = self.train.bags.iter().enumerate().map(place(InstanceList::Bag));
        train.chain(self.held_out.bags.iter().enumerate().map(place(InstanceList::HeldOutBag)))
    }

    fn check_bag(&self, place: InstanceList, bag: &CountedBag) -> Result<(), ManifestFault> {
        let (size, got) = (self.recipe.size, bag.instances.len());
        let fits = if matches!(self.recipe.kind, BagKind::Column { .. }) { got <= size } else { got == size };
        if !fits || got == 0 {
            return Err(ManifestFault::BagSize { place, expected: size, got });
        }
        let n_classes = self.data.class_names.len();
        if bag.counts.len() != n_classes {
            return Err(ManifestFault::CountLength { place, expected: n_classes, got: bag.counts.len() });
        }
        let sum: u64 = bag.counts.iter().copied().map(u64::from).sum();
        if sum != got as u64 {
            return Err(ManifestFault::CountSum { place, expected: got, got: sum });
        }
        Ok(())
    }

    /// Sorts all ids, rather than marking them: memory follows the size of the file, not a number in it.
    fn check_instances(&self) -> Result<(), ManifestFault> {
        let remainder = |part: &'_ BagPart| {
            part.remainder.iter().map(|&id| (id, InstanceList::Remainder)).collect::<Vec<_>>()
        };
        let mut listed: Vec<(u32, InstanceList)> =
            self.bags().flat_map(|(place, bag)| bag.instances.iter().map(move |&id| (id, place))).collect();
        listed.extend(remainder(&self.train));
        listed.extend(remainder(&self.held_out));
        let n_instances = self.data.n_instances;
        if let Some(&(instance, place)) = listed.iter().find(|(id, _)| *id >= n_instances) {
            return Err(ManifestFault::InstanceOutOfRange { place, instance, n_instances });
        }
        listed.sort_by_key(|(id, _)| *id); // stable: places stay in the order of the file
        match listed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(()),
            Some(pair) => Err(ManifestFault::RepeatedInstance {
                instance: pair[0].0,
                first: pair[0].1,
                second: pair[1].1,
            }),
        }
    }
}
