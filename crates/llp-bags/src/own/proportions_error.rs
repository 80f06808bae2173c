//! What can be wrong with a table of proportions.

use std::path::PathBuf;

use llp_data::{DataError, Place, listed};

/// Classes that a message lists by name.
const N_LISTED: usize = 8;

/// What columns were taken for classes, and what else may be meant by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassesTaken {
    /// The columns.
    pub classes: Vec<String>,
    /// What else may be meant, after a semicolon; empty if nothing is known.
    pub hint: String,
}

/// The columns that were taken for classes, for people.
fn classes_of(classes: &[String]) -> String {
    let listed = listed(&classes[..classes.len().min(N_LISTED)]);
    match classes.len().saturating_sub(N_LISTED) {
        0 => format!("classes: {listed}"),
        n_more => format!("classes: {listed} and {n_more} more"),
    }
}

/// Why a table of proportions was refused. Every message says where, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProportionsError {
    /// The table cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Proportions that the loss cannot take.
    #[error("{place}: {source}")]
    Ot {
        /// Where.
        place: Place,
        /// What is wrong with them.
        source: llp_ot::OtError,
    },
    /// A single class.
    #[error(
        "{}: {} column of a class, only {} beside \"bag\": give every class a column, and at least two; a table with a row for each bag and class must be turned into one with a column for each class",
        path.display(),
        if *n_classes == 0 { "there is no" } else { "there is one" },
        listed(found)
    )]
    TooFewClasses {
        /// The table.
        path: PathBuf,
        /// 0 or 1.
        n_classes: usize,
        /// All columns but that of the bags.
        found: Vec<String>,
    },
    /// One bound without the other.
    #[error("{}: there is a column {column:?} but none {missing:?}: an interval has both", path.display())]
    OneBound {
        /// The table.
        path: PathBuf,
        /// The column.
        column: String,
        /// The one that is missing.
        missing: String,
    },
    /// Intervals and standard errors at once.
    #[error(
        "{}: there are both intervals ({interval:?}) and standard errors ({error:?}): keep one kind, for instance the value plus and minus two standard errors as the interval",
        path.display()
    )]
    TwoKinds {
        /// The table.
        path: PathBuf,
        /// A column of bounds.
        interval: String,
        /// A column of standard errors.
        error: String,
    },
    /// Cells of classes that are not what the column needs.
    #[error(
        "{place}: column {column:?} is {got:?}: write a number, or leave the cell empty if it is unknown; if the column is no class, remove it ({}); a row holds one bag, not one class of it",
        classes_of(classes)
    )]
    NotANumber {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What is there.
        got: String,
        /// The columns that were taken for classes.
        classes: Vec<String>,
    },
    /// A negative share, count, bound or standard error.
    #[error(
        "{place}: column {column:?} is {value}, below 0: shares, counts and standard errors start at 0{hint}"
    )]
    Negative {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// What is there.
        value: f64,
        /// What else it may be.
        hint: &'static str,
    },
    /// A bag with two rows.
    #[error("{place}: bag {bag:?} is in row {first_row} as well: give every bag one row")]
    RepeatedBag {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// Its first row.
        first_row: u64,
    },
    /// A bag of which no instance is known.
    #[error("{place}: bag {bag:?} has no instance in {}: drop the row, or correct the name{hint}", table.display())]
    NoInstances {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// The table of instances.
        table: PathBuf,
        /// A similar name.
        hint: String,
    },
    /// A bag of which no proportions are known.
    #[error("{place}: bag {bag:?} has no row in {}: add its proportions, or correct the name{hint}", proportions.display())]
    NoProportions {
        /// The first instance of the bag.
        place: Place,
        /// The bag.
        bag: String,
        /// The table of proportions.
        proportions: PathBuf,
        /// A similar name.
        hint: String,
    },
    /// A row of empty cells.
    #[error(
        "{place}: nothing is known of bag {bag:?}: fill in at least one class, or drop the bag from both tables"
    )]
    NothingKnown {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
    },
    /// Shares that do not add up.
    #[error(
        "{place}: the shares of bag {bag:?} add up to {sum}, expected {whole} within {tolerance} ({}): correct them{}",
        classes_of(&taken.classes),
        taken.hint
    )]
    ShareSum {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// Their sum.
        sum: f64,
        /// 1, or 100 for percentages.
        whole: f64,
        /// What rounding may make of it.
        tolerance: f64,
        /// The columns that were taken for classes.
        taken: Box<ClassesTaken>,
    },
    /// Counts that disagree with the number of instances.
    #[error(
        "{place}: the counts of bag {bag:?} add up to {sum}, but it has {n_instances} instances in {} ({}): correct them, or divide each row by its sum to give shares{}",
        table.display(),
        classes_of(&taken.classes),
        taken.hint
    )]
    CountSum {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// Their sum.
        sum: f64,
        /// The instances of the bag.
        n_instances: usize,
        /// The table of instances.
        table: PathBuf,
        /// The columns that were taken for classes.
        taken: Box<ClassesTaken>,
    },
    /// Bounds in the wrong order.
    #[error(
        "{place}: class {class:?} lies between {low} and {high}: the lower bound must not be above the upper one"
    )]
    Bounds {
        /// Where.
        place: Place,
        /// The class.
        class: String,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// A cell for one bound only.
    #[error(
        "{place}: class {class:?} has one bound only: fill in both {class}_low and {class}_high, or neither"
    )]
    OneBoundOfRow {
        /// Where.
        place: Place,
        /// The class.
        class: String,
    },
    /// A value outside its own bounds.
    #[error(
        "{place}: class {class:?} is {value}, outside its bounds {low} and {high}: correct one of the three"
    )]
    OutsideBounds {
        /// Where.
        place: Place,
        /// The class.
        class: String,
        /// The value.
        value: f64,
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Bounds that no proportions keep.
    #[error(
        "{place}: the bounds of bag {bag:?} cannot add up to {total}: the lower ones add up to {low_sum}, the upper ones to {high_sum}: widen them"
    )]
    BoundSum {
        /// Where.
        place: Place,
        /// The bag.
        bag: String,
        /// 1, or the number of instances.
        total: f64,
        /// The sum of the lower bounds.
        low_sum: f64,
        /// The sum of the upper bounds.
        high_sum: f64,
    },
    /// A standard error without a value, or the reverse.
    #[error(
        "{place}: class {class:?} lacks its value or its standard error: fill in both for every class, or give intervals"
    )]
    HalfKnown {
        /// Where.
        place: Place,
        /// The class.
        class: String,
    },
}
