//! What a report is about: test accuracy, or the criterion on held-out bags where there are no labels.

use super::axis::Axis;
use super::table::percent;
use crate::criterion::Criterion;
use crate::record::EpochRecord;
use crate::select::{Candidate, Group, Spread};

/// The number that figures and tables show for a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Accuracy on labelled test instances.
    Accuracy,
    /// What held-out bags give.
    HeldOut(Criterion),
}

impl Measure {
    /// The measure of a data set: the criterion if no run has labels.
    pub(super) fn of(groups: &[Group], data: &str) -> Self {
        let mut groups = groups.iter().filter(|group| group.data == data);
        match groups.clone().next() {
            Some(group) if groups.all(|group| !group.is_labelled) => Self::HeldOut(group.criterion),
            _ => Self::Accuracy,
        }
    }

    /// Whether the measure of every data set is the accuracy.
    pub(super) fn all_labelled(groups: &[Group]) -> bool {
        groups.iter().all(|group| Self::of(groups, &group.data) == Self::Accuracy)
    }

    /// Whether the measure of any data set is the accuracy.
    pub(super) fn any_labelled(groups: &[Group]) -> bool {
        groups.is_empty() || groups.iter().any(|group| Self::of(groups, &group.data) == Self::Accuracy)
    }

    /// What is shown, as in "Test accuracy".
    pub(super) fn title(self) -> String {
        match self {
            Self::Accuracy => "Test accuracy".to_owned(),
            Self::HeldOut(criterion) => format!("Held-out {}", criterion.in_middle()),
        }
    }

    /// Its unit, in brackets behind the title.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Accuracy => "%",
            Self::HeldOut(criterion) => criterion.unit(),
        }
    }

    /// The value after the last epoch, in this unit.
    pub(super) fn of_candidate(self, candidate: &Candidate) -> Option<Spread> {
        match self {
            Self::Accuracy => candidate.test_accuracy.map(|Spread { mean, sd, n }| Spread {
                mean: 100.0 * mean,
                sd: sd.map(|sd| 100.0 * sd),
                n,
            }),
            Self::HeldOut(_) => candidate.criterion,
        }
    }

    /// The value after an epoch, in this unit.
    pub(super) fn of_record(self, record: &EpochRecord) -> Option<f64> {
        match self {
            Self::Accuracy => record.test_accuracy.map(|accuracy| 100.0 * accuracy),
            Self::HeldOut(criterion) => criterion.of(record),
        }
    }

    /// The value of a candidate as text, or why there is none.
    pub(super) fn text(self, candidate: &Candidate) -> String {
        match self {
            Self::Accuracy => candidate.test_accuracy.map_or_else(|| "no labels".to_owned(), percent),
            Self::HeldOut(_) => {
                candidate.criterion.map_or_else(|| "no held-out bags".to_owned(), four_digits)
            }
        }
    }

    /// The axis for values of this measure.
    pub(super) fn axis(self, values: impl Iterator<Item = f64>) -> Axis {
        match self {
            Self::Accuracy => Axis::percent(),
            Self::HeldOut(_) => Axis::around(values.collect()),
        }
    }
}

/// Mean and spread with four digits behind the point.
fn four_digits(value: Spread) -> String {
    let mean = value.mean;
    value.sd.map_or_else(|| format!("{mean:.4}"), |sd| format!("{mean:.4} ± {sd:.4}"))
}
