//! Bags with their label proportions: all that training may see.

use std::sync::Arc;

use llp_data::DataError;
use llp_ot::{Imprecision, OtError, Proportions};

use crate::check::{check_instances, check_labels};
use crate::split::sorted_set;
use crate::{BagPart, Instances, LabelOracle, Partition};

/// Bags of instances, each with the proportions of its labels: the `A_1, ..., A_N` of the paper, and all that training
/// sees.
///
/// A bag set holds no label of an instance and no way to one, except that a bag of size 1 is its own label by nature.
/// Bags may differ in size; no two share an instance.
///
/// Source: [dulac-arnold:19] section 2.
#[derive(Clone, Debug)]
pub struct BagSet {
    data: Arc<Instances>,
    bags: Vec<Vec<u32>>,
    proportions: Vec<Proportions>, // [bag]
    imprecision: Vec<Imprecision>, // [bag]
    n_remainder: usize,
}

impl BagSet {
    /// Bags of own data, `bags[i]` with `proportions[i]`, without any label of an instance.
    ///
    /// # Errors
    /// No bags, or an empty one; bags and proportions that do not match; an instance twice, or one that does not exist.
    pub fn new(
        data: Arc<Instances>,
        bags: Vec<Vec<u32>>,
        proportions: Vec<Proportions>,
    ) -> Result<Self, DataError> {
        if bags.len() != proportions.len() {
            let problem = format!("{} vectors of proportions for {} bags", proportions.len(), bags.len());
            return Err(DataError::new(problem));
        }
        check_bags(&bags, data.len())?;
        check_classes(&proportions)?;
        let imprecision = vec![Imprecision::Exact; bags.len()];
        Ok(Self { data, bags, proportions, imprecision, n_remainder: 0 })
    }

    /// The bags of `partition`, with the proportions that `labels` has in each.
    ///
    /// `data` and `labels` are those of the split that was partitioned.
    ///
    /// Source: [dulac-arnold:19] section 2, the definition of `z_i`. Deviation: none.
    ///
    /// # Errors
    /// There is not one label for each instance, and those of [`BagSet::new`].
    pub fn from_partition(
        data: Arc<Instances>,
        partition: &Partition,
        labels: &LabelOracle,
    ) -> Result<Self, DataError> {
        check_labels(data.len(), labels.len())?;
        check_bags(&partition.bags, data.len())?;
        let proportions = partition.bags.iter().map(|bag| Proportions::from_counts(&labels.count(bag)));
        let proportions = proportions.collect::<Result<_, _>>().map_err(not_proportions)?;
        let imprecision = vec![Imprecision::Exact; partition.bags.len()];
        let (bags, n_remainder) = (partition.bags.clone(), partition.remainder.len());
        Ok(Self { data, bags, proportions, imprecision, n_remainder })
    }

    /// The bags of a manifest, with the proportions of their counts: no label is needed.
    ///
    /// # Errors
    /// Those of [`BagSet::new`] if the instances are not those that the manifest was made for.
    pub fn from_manifest(data: Arc<Instances>, part: &BagPart) -> Result<Self, DataError> {
        let proportions = part.bags.iter().map(|bag| Proportions::from_counts(&bag.counts));
        let proportions = proportions.collect::<Result<_, _>>().map_err(not_proportions)?;
        let bags = part.bags.iter().map(|bag| bag.instances.clone()).collect();
        Ok(Self { n_remainder: part.remainder.len(), ..Self::new(data, bags, proportions)? })
    }

    /// The same bags, with what is known of the errors of their proportions, `[bag]`. Without, they are exact.
    ///
    /// # Errors
    /// There is not one for each bag, and what [`Imprecision::check`] finds.
    pub fn with_imprecision(self, imprecision: Vec<Imprecision>) -> Result<Self, DataError> {
        if imprecision.len() != self.len() {
            let (got, expected) = (imprecision.len(), self.len());
            let problem = format!("what is known of the errors of {got} bags for {expected} bags");
            return Err(DataError::new(problem));
        }
        for (bag, of_bag) in imprecision.iter().enumerate() {
            of_bag.check(self.n_classes()).map_err(|error| of_bag_error(bag, &error))?;
        }
        Ok(Self { imprecision, ..self })
    }

    /// The same bags with other proportions, of the same classes.
    pub(crate) fn with_proportions(
        self,
        proportions: Vec<Proportions>,
        imprecision: Vec<Imprecision>,
    ) -> Result<Self, DataError> {
        Self { proportions, ..self }.with_imprecision(imprecision)
    }

    /// Some of the bags, in the given order, without any remainder.
    ///
    /// # Errors
    /// No bags, or one that is named twice.
    ///
    /// # Panics
    /// If there is no such bag, as for a slice.
    pub fn select(&self, bags: &[usize]) -> Result<Self, DataError> {
        let instances = bags.iter().map(|&bag| self.bags[bag].clone()).collect();
        let proportions = bags.iter().map(|&bag| self.proportions[bag].clone()).collect();
        let imprecision = bags.iter().map(|&bag| self.imprecision(bag).clone()).collect();
        Self::new(Arc::clone(&self.data), instances, proportions)?.with_imprecision(imprecision)
    }

    /// The number of bags; there is at least one.
    #[expect(clippy::len_without_is_empty, reason = "a bag set is never empty")]
    pub fn len(&self) -> usize {
        self.bags.len()
    }

    /// The instances of a bag: ids of [`data`](Self::data).
    ///
    /// # Panics
    /// If there is no such bag, as for a slice.
    pub fn instances(&self, bag: usize) -> &[u32] {
        &self.bags[bag]
    }

    /// The label proportions of a bag, `[class]`.
    ///
    /// # Panics
    /// If there is no such bag, as for a slice.
    pub fn proportions(&self, bag: usize) -> &Proportions {
        &self.proportions[bag]
    }

    /// What is known of the error of a bag's proportions.
    ///
    /// # Panics
    /// If there is no such bag, as for a slice.
    pub fn imprecision(&self, bag: usize) -> &Imprecision {
        &self.imprecision[bag]
    }

    /// The number of classes.
    pub fn n_classes(&self) -> usize {
        self.proportions[0].n_classes()
    }

    /// The number of instances in all bags.
    pub fn n_instances(&self) -> usize {
        self.bags.iter().map(Vec::len).sum()
    }

    /// The images or features that the instances are ids of.
    pub fn data(&self) -> &Arc<Instances> {
        &self.data
    }

    /// The number of instances that did not fill another bag and are in none.
    pub fn remainder(&self) -> usize {
        self.n_remainder
    }
}

fn check_bags(bags: &[Vec<u32>], n_instances: usize) -> Result<(), DataError> {
    if bags.is_empty() {
        return Err(DataError::new("there must be at least one bag"));
    }
    if let Some(bag) = bags.iter().position(Vec::is_empty) {
        let problem = format!("bag {bag} is empty: every bag needs at least one instance");
        return Err(DataError::new(problem));
    }
    let instances = bags.concat();
    check_instances(&instances, n_instances)?;
    sorted_set(&instances)?;
    Ok(())
}

fn check_classes(proportions: &[Proportions]) -> Result<(), DataError> {
    let expected = proportions[0].n_classes();
    match proportions.iter().position(|p| p.n_classes() != expected) {
        None => Ok(()),
        Some(bag) => {
            let got = proportions[bag].n_classes();
            let problem =
                format!("bag {bag} has proportions of {got} classes, the bags before it of {expected}");
            Err(DataError::new(problem))
        }
    }
}

/// Proportions that are none.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn not_proportions(error: OtError) -> DataError {
    DataError::new(error.to_string())
}

/// What is wrong with the proportions of one bag.
pub(crate) fn of_bag_error(bag: usize, error: &OtError) -> DataError {
    DataError::new(format!("bag {bag}: {error}"))
}
