//! What is known of the bags of a batch.

use candle_core::Tensor;
use llp_ot::{Imprecision, Proportions};

use crate::LossError;

/// Sizes and proportions of the bags of one batch, in the order of their instances in the logits.
#[derive(Clone, Debug, PartialEq)]
pub struct BagTargets {
    sizes: Vec<usize>,
    /// Row-major `[bag, class]`.
    proportions: Vec<f64>,
    n_classes: usize,
    /// `[bag]`.
    imprecision: Vec<Imprecision>,
    prior: Proportions,
}

impl BagTargets {
    /// Bags of exact proportions. `sizes` is `[bag]`, the number of instances of each bag; sizes may differ.
    ///
    /// The class prior is that of the batch.
    ///
    /// # Errors
    /// When a bag is empty, there is none, or the arguments disagree about bags or classes.
    pub fn new<'a>(
        sizes: Vec<usize>,
        proportions: impl IntoIterator<Item = &'a Proportions>,
    ) -> Result<Self, LossError> {
        let proportions: Vec<&Proportions> = proportions.into_iter().collect();
        if sizes.len() != proportions.len() {
            return Err(LossError::Input(format!(
                "got {} bag sizes and {} vectors of proportions: every bag needs one of each",
                sizes.len(),
                proportions.len()
            )));
        }
        if let Some(bag) = sizes.iter().position(|size| *size == 0) {
            return Err(LossError::Input(format!("bag {bag} is empty")));
        }
        let no_bags = || LossError::Input("a batch needs at least one bag".to_owned());
        let expected = proportions.first().ok_or_else(no_bags)?.n_classes();
        if let Some(bag) = proportions.iter().position(|z| z.n_classes() != expected) {
            let got = proportions[bag].n_classes();
            return Err(LossError::Input(format!(
                "bag {bag} has proportions of {got} classes, the first bag has {expected}"
            )));
        }
        let prior = Proportions::pooled(sizes.iter().copied().zip(proportions.iter().copied()));
        let prior = prior.ok_or_else(no_bags)?;
        let proportions = proportions.iter().flat_map(|z| z.as_slice().iter().copied()).collect();
        let imprecision = vec![Imprecision::Exact; sizes.len()];
        Ok(Self { sizes, proportions, n_classes: expected, imprecision, prior })
    }

    /// The same bags, with what is known of the errors of their proportions, `[bag]`.
    ///
    /// # Errors
    /// When there is not one for each bag, or one does not suit the proportions.
    pub fn with_imprecision(self, imprecision: Vec<Imprecision>) -> Result<Self, LossError> {
        if imprecision.len() != self.n_bags() {
            let (got, n_bags) = (imprecision.len(), self.n_bags());
            return Err(LossError::Input(format!(
                "got what is known of the errors of {got} bags for {n_bags} bags: every bag needs one"
            )));
        }
        for (bag, of_bag) in imprecision.iter().enumerate() {
            let checked = of_bag.check(self.n_classes);
            checked.map_err(|error| LossError::Input(format!("bag {bag}: {error}")))?;
        }
        Ok(Self { imprecision, ..self })
    }

    /// The same bags, with the share of each class in the data set that they are from.
    ///
    /// # Errors
    /// Another number of classes.
    pub fn with_prior(self, prior: Proportions) -> Result<Self, LossError> {
        let (got, expected) = (prior.n_classes(), self.n_classes);
        if got != expected {
            return Err(LossError::Input(format!("the prior has {got} classes, the bags have {expected}")));
        }
        Ok(Self { prior, ..self })
    }

    /// The share of each class in the data set, `[class]`.
    pub fn prior(&self) -> &[f64] {
        self.prior.as_slice()
    }

    /// Number of instances of each bag, `[bag]`.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Number of bags.
    pub fn n_bags(&self) -> usize {
        self.sizes.len()
    }

    /// Number of instances of all bags together.
    pub fn n_instances(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// The proportions of all bags, row-major `[bag, class]`.
    pub fn proportions(&self) -> &[f64] {
        &self.proportions
    }

    /// The proportions of one bag, `[class]`.
    ///
    /// # Panics
    /// When there is no such bag.
    pub fn proportions_of(&self, bag: usize) -> &[f64] {
        &self.proportions[bag * self.n_classes..(bag + 1) * self.n_classes]
    }

    /// What is known of the error of one bag's proportions.
    ///
    /// # Panics
    /// When there is no such bag.
    pub fn imprecision_of(&self, bag: usize) -> &Imprecision {
        &self.imprecision[bag]
    }

    /// Checks that `logits` are those of these bags, `[instance, class]`.
    ///
    /// # Errors
    /// When they are not, with both shapes.
    pub fn check(&self, logits: &Tensor) -> Result<(), LossError> {
        let expected = [self.n_instances(), self.n_classes];
        if logits.dims() == expected { Ok(()) } else { Err(LossError::logits_shape(logits.dims(), expected)) }
    }
}
