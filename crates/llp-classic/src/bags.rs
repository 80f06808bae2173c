//! Instances in bags, with the proportions of each bag: what every method learns from.

use llp_ot::{Proportions, Real};

use crate::ClassicError;
use crate::error::{check_count, check_length};
use crate::parallel::map;

/// Largest accepted magnitude of a feature: squares and their sums stay finite.
const LARGEST: f64 = 1e100;

/// Rows that one task checks.
const CHECKED_ROWS: usize = 4096;

/// Features of instances, the bag of each, and the proportions of each bag.
///
/// Features stay where they are, in single or double precision; beside them this type needs four bytes per
/// instance. Instances may come in any order.
///
/// ```
/// use llp_classic::Bags;
/// use llp_ot::Proportions;
///
/// let features = [0.1_f32, 0.9, 2.0, 3.1]; // [instance, column], one column
/// let proportions = [Proportions::new(vec![1.0, 0.0])?, Proportions::new(vec![0.5, 0.5])?];
/// let bags = Bags::new(&features, 1, &[0, 0, 1, 1], &proportions)?;
/// assert_eq!((bags.n_bags(), bags.n_instances(), bags.n_classes()), (2, 4, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bags<'a, T> {
    features: &'a [T],
    n_columns: usize,
    n_classes: usize,
    proportions: Vec<&'a Proportions>,
    /// Instances, bag after bag.
    order: Vec<u32>,
    /// Where each bag starts in `order`, and its end.
    starts: Vec<usize>,
}

impl<'a, T: Real> Bags<'a, T> {
    /// Checks and groups instances.
    ///
    /// `features` is row-major `[instance, column]`, `bag_of` is `[instance]` and counts bags from 0,
    /// `proportions` is `[bag]`.
    ///
    /// # Errors
    /// Lengths that do not fit, features that are not finite, bags without instances or proportions, bags of
    /// different classes, fewer than two classes.
    pub fn new(
        features: &'a [T],
        n_columns: usize,
        bag_of: &[u32],
        proportions: &'a [Proportions],
    ) -> Result<Self, ClassicError> {
        let proportions: Vec<&Proportions> = proportions.iter().collect();
        let n_classes = check_shape(n_columns, &proportions)?;
        check_length("features", features.len(), bag_of.len() * n_columns, "[instance, column]")?;
        check_features(features, n_columns)?;
        let (order, starts) = group(bag_of, proportions.len())?;
        Ok(Self { features, n_columns, n_classes, proportions, order, starts })
    }

    /// Bags of some of the rows, each as its rows and its proportions.
    ///
    /// `features` is row-major `[row, column]`; all of it is checked.
    ///
    /// # Errors
    /// As [`Bags::new`]; rows that do not exist.
    pub fn of_parts(
        features: &'a [T],
        n_columns: usize,
        parts: &[(&[u32], &'a Proportions)],
    ) -> Result<Self, ClassicError> {
        let proportions: Vec<&Proportions> = parts.iter().map(|(_, proportions)| *proportions).collect();
        let n_classes = check_shape(n_columns, &proportions)?;
        let n_rows = features.len() / n_columns;
        check_length("features", features.len(), n_rows * n_columns, "[row, column]")?;
        check_features(features, n_columns)?;
        let (mut order, mut starts) = (Vec::new(), vec![0]);
        for (bag, (rows, _)) in parts.iter().enumerate() {
            if rows.is_empty() {
                return Err(empty_bag(bag));
            }
            if let Some(&row) = rows.iter().find(|&&row| row as usize >= n_rows) {
                let problem = format!("bag {bag} has row {row}, but there are {n_rows} rows");
                return Err(ClassicError::Input(format!("{problem}: count rows from 0")));
            }
            order.extend_from_slice(rows);
            starts.push(order.len());
        }
        Ok(Self { features, n_columns, n_classes, proportions, order, starts })
    }

    /// The same features with some of the bags only, in the order given.
    ///
    /// # Panics
    /// If a bag does not exist.
    #[must_use]
    pub fn subset(&self, bags: &[usize]) -> Self {
        let mut starts = vec![0];
        let mut order = Vec::new();
        for &bag in bags {
            order.extend_from_slice(self.instances(bag));
            starts.push(order.len());
        }
        let proportions = bags.iter().map(|&bag| self.proportions[bag]).collect();
        Self { features: self.features, proportions, order, starts, ..*self }
    }
}

impl<T> Bags<'_, T> {
    /// Number of bags.
    pub fn n_bags(&self) -> usize {
        self.proportions.len()
    }

    /// Number of instances in these bags.
    pub fn n_instances(&self) -> usize {
        self.order.len()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The proportions of a bag, `[class]`.
    pub fn proportions(&self, bag: usize) -> &[f64] {
        self.proportions[bag].as_slice()
    }

    /// The instances of a bag, as indices of rows.
    pub fn instances(&self, bag: usize) -> &[u32] {
        &self.order[self.starts[bag]..self.starts[bag + 1]]
    }

    /// The features of an instance, `[column]`.
    pub fn row(&self, instance: u32) -> &[T] {
        let start = instance as usize * self.n_columns;
        &self.features[start..start + self.n_columns]
    }

    /// Counts that fit the proportions of a bag: largest remainders.
    pub(crate) fn counts(&self, bag: usize) -> Vec<u32> {
        self.proportions[bag].largest_remainder_counts(self.instances(bag).len() as u32)
    }

    /// The shares of the classes among all instances, `[class]`.
    pub(crate) fn class_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.n_classes];
        for bag in 0..self.n_bags() {
            let weight = self.instances(bag).len() as f64 / self.n_instances() as f64;
            for (share, z) in shares.iter_mut().zip(self.proportions(bag)) {
                *share += weight * z;
            }
        }
        shares
    }

    /// Instances, bag after bag.
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// Where each bag starts in [`Self::order`], and the end of the last.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }
}

/// The number of classes, if there is at least one column, one bag and two classes, the same in all bags.
fn check_shape(n_columns: usize, proportions: &[&Proportions]) -> Result<usize, ClassicError> {
    check_count("columns", n_columns, 1)?;
    check_count("bags", proportions.len(), 1)?;
    let n_classes = proportions[0].n_classes();
    check_count("classes", n_classes, 2)?;
    match proportions.iter().position(|z| z.n_classes() != n_classes) {
        None => Ok(n_classes),
        Some(bag) => {
            let got = proportions[bag].n_classes();
            let problem = format!("bag {bag} has proportions of {got} classes, bag 0 of {n_classes}");
            Err(ClassicError::Input(format!("{problem}: give every class in every bag")))
        }
    }
}

fn check_features<T: Real>(features: &[T], n_columns: usize) -> Result<(), ClassicError> {
    let wrong = |value: &T| !(-LARGEST..=LARGEST).contains(&value.to_f64());
    let chunk = CHECKED_ROWS * n_columns;
    let found = map(features.len().div_ceil(chunk), |index| {
        let start = index * chunk;
        let values = &features[start..features.len().min(start + chunk)];
        // Whole chunks are scanned without a branch.
        let any = values.iter().fold(false, |any, value| any | wrong(value));
        any.then(|| values.iter().position(wrong).map(|offset| start + offset)).flatten()
    });
    match found.into_iter().flatten().next() {
        None => Ok(()),
        Some(at) => {
            let (instance, column, value) = (at / n_columns, at % n_columns, features[at].to_f64());
            Err(ClassicError::Input(format!(
                "feature {value} of instance {instance}, column {column} is no number of moderate size: fill in or leave \
                 out what is missing"
            )))
        }
    }
}

fn empty_bag(bag: usize) -> ClassicError {
    ClassicError::Input(format!("bag {bag} is empty: leave it out together with its proportions"))
}

/// Sorts instances by bag, stably: their order, and where each bag starts.
fn group(bag_of: &[u32], n_bags: usize) -> Result<(Vec<u32>, Vec<usize>), ClassicError> {
    let mut starts = vec![0; n_bags + 1];
    for (instance, &bag) in bag_of.iter().enumerate() {
        let Some(count) = starts.get_mut(bag as usize + 1) else {
            let problem =
                format!("instance {instance} is in bag {bag}, but there are proportions of {n_bags} bags");
            return Err(ClassicError::Input(format!("{problem}: count bags from 0")));
        };
        *count += 1;
    }
    if let Some(bag) = starts[1..].iter().position(|&count| count == 0) {
        return Err(empty_bag(bag));
    }
    for bag in 0..n_bags {
        starts[bag + 1] += starts[bag];
    }
    let mut next = starts.clone();
    let mut order = vec![0; bag_of.len()];
    for (instance, &bag) in bag_of.iter().enumerate() {
        order[next[bag as usize]] = instance as u32;
        next[bag as usize] += 1;
    }
    Ok((order, starts))
}
