//! Which labels of a data set are its classes.

/// Suffix of a name or path that selects [`Labels::Coarse`].
const COARSE: &str = "#coarse";

/// Which labels become the classes, where a data set has two: CIFAR-100 has 100 fine classes in 20 coarse ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labels {
    /// The finest ones, or the only ones.
    Fine,
    /// The coarse ones.
    Coarse,
}

impl Labels {
    /// Takes the suffix `#coarse` off a name or path.
    ///
    /// ```
    /// use llp_data::Labels;
    ///
    /// assert_eq!(Labels::split("cifar100#coarse"), ("cifar100", Labels::Coarse));
    /// assert_eq!(Labels::split("cifar100"), ("cifar100", Labels::Fine));
    /// ```
    pub fn split(data: &str) -> (&str, Self) {
        match data.strip_suffix(COARSE) {
            Some(name) => (name, Self::Coarse),
            None => (data, Self::Fine),
        }
    }
}
