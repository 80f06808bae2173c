//! Rows of numbers, as a table of features has them.

use rayon::prelude::*;

use crate::instances::check_instances;
use crate::{BagError, Normalization};

/// Instances that are rows of numbers: `[instance, column]`, in one block of memory.
///
/// The position of a row is its instance id. A category is as many columns as it has values, one of which is 1 in each
/// row (one-hot).
#[derive(Clone, PartialEq)]
pub struct Features {
    n_columns: usize,
    values: Vec<f32>, // [instance, column]
}

impl Features {
    /// Rows of `n_columns` numbers from `values`, `[instance, column]`.
    ///
    /// # Errors
    /// [`BagError::NoColumns`]; [`BagError::ValueCount`] if the values are not a whole number of rows;
    /// [`BagError::FeatureNotFinite`]; [`BagError::TooManyInstances`] if instance ids would exceed 32 bits.
    ///
    /// ```
    /// let features = llp_bags::Features::new(2, vec![0.5, 1.0, -0.5, 0.0])?;
    /// assert_eq!((features.len(), features.row(1)), (2, &[-0.5, 0.0][..]));
    /// # Ok::<(), llp_bags::BagError>(())
    /// ```
    pub fn new(n_columns: usize, values: Vec<f32>) -> Result<Self, BagError> {
        if n_columns == 0 {
            return Err(BagError::NoColumns);
        }
        if !values.len().is_multiple_of(n_columns) {
            return Err(BagError::ValueCount { n_columns, got: values.len() });
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let (instance, column) = (place / n_columns, place % n_columns);
            return Err(BagError::FeatureNotFinite { instance, column, value: values[place] });
        }
        let n_instances = values.len() / n_columns;
        if u32::try_from(n_instances).is_err() {
            return Err(BagError::TooManyInstances { n_instances });
        }
        Ok(Self { n_columns, values })
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.n_columns
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The numbers in a row.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// One row, `[column]`.
    ///
    /// # Panics
    /// If there is no such instance, as for a slice.
    pub fn row(&self, instance: u32) -> &[f32] {
        let start = instance as usize * self.n_columns;
        &self.values[start..start + self.n_columns]
    }

    /// All rows, `[instance, column]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Writes rows as a network sees them, `[instance, column]` in the order of `instances`:
    /// `(value - mean[column]) / std[column]`.
    pub(crate) fn prepare(
        &self,
        instances: &[u32],
        normalization: &Normalization,
        out: &mut [f32],
    ) -> Result<(), BagError> {
        let n_columns = self.n_columns;
        check_instances(instances, self.len())?;
        if out.len() != instances.len() * n_columns {
            let n_instances = instances.len();
            return Err(BagError::BufferLength { n_instances, n_values: n_columns, got: out.len() });
        }
        let (means, stds) = (normalization.mean(), normalization.std());
        if means.len() != n_columns {
            return Err(BagError::ChannelCount { expected: n_columns, got: means.len() });
        }
        out.par_chunks_exact_mut(n_columns).zip(instances).with_min_len(256).for_each(|(out, &instance)| {
            let columns = self.row(instance).iter().zip(means.iter().zip(stds));
            for (out, (&value, (&mean, &std))) in out.iter_mut().zip(columns) {
                // In double precision, where no difference of two numbers overflows.
                *out = ((f64::from(value) - f64::from(mean)) / f64::from(std)) as f32;
            }
        });
        Ok(())
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Features({} of {} columns)", self.len(), self.n_columns)
    }
}
