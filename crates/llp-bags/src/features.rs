//! Rows of numbers, as a table of features has them.

use llp_data::{DataError, Shared};

/// Instances that are rows of numbers: `[instance, column]`, in one block of memory, or in a file that is mapped into it.
/// Clones share the block.
///
/// The position of a row is its instance id. A category is as many columns as it has values, one of which is 1 in each
/// row (one-hot).
#[derive(Clone, PartialEq)]
pub struct Features {
    n_columns: usize,
    values: Shared<f32>, // [instance, column]
}

impl Features {
    /// Rows of `n_columns` numbers from `values`, `[instance, column]`.
    ///
    /// # Errors
    /// No columns; values that are not a whole number of rows, or not finite; more rows than 32 bits can number.
    ///
    /// ```
    /// let features = llp_bags::Features::new(2, vec![0.5, 1.0, -0.5, 0.0])?;
    /// assert_eq!((features.len(), features.row(1)), (2, &[-0.5, 0.0][..]));
    /// # Ok::<(), llp_bags::DataError>(())
    /// ```
    pub fn new(n_columns: usize, values: Vec<f32>) -> Result<Self, DataError> {
        Self::of(n_columns, values.into())
    }

    /// As [`new`](Self::new), wherever the values are.
    pub(crate) fn of(n_columns: usize, values: Shared<f32>) -> Result<Self, DataError> {
        if n_columns == 0 {
            let problem = "a table of features without columns: at least one is needed";
            return Err(DataError::new(problem));
        }
        if !values.len().is_multiple_of(n_columns) {
            let got = values.len();
            let problem = format!("{got} values are not a whole number of rows of {n_columns} columns");
            return Err(DataError::new(problem));
        }
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            let (instance, column, value) = (place / n_columns, place % n_columns, values[place]);
            let problem = format!("instance {instance} has {value} in feature column {column}");
            return Err(DataError::new(problem).remedy("features must be finite"));
        }
        let n_instances = values.len() / n_columns;
        if u32::try_from(n_instances).is_err() {
            let problem = format!("{n_instances} instances in one split: at most {} are possible", u32::MAX);
            return Err(DataError::new(problem));
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

    /// Says that some rows will be read now, so that the system fetches them, if they are in a large file.
    ///
    /// # Panics
    /// If there is no such instance in that file, as for a slice.
    pub fn will_need(&self, instances: &[u32]) {
        self.values.will_need_parts(instances, self.n_columns);
    }

    /// All rows, `[instance, column]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl std::fmt::Debug for Features {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Features({} of {} columns)", self.len(), self.n_columns)
    }
}
