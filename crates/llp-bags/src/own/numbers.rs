//! A column of numbers as they are written, until networks see them in single precision.

use llp_data::table::Exact;
use serde::{Deserialize, Serialize};

/// Where a column's numbers are this many times larger than their range, single precision would lose their differences.
const FAR_FROM_ZERO: f64 = 256.0;
/// Beyond these magnitudes, single precision has infinities and zeros.
const MAGNITUDES: std::ops::RangeInclusive<f64> = 1e-30..=1e37;

/// The numbers of a column, `[row]`: integers as long as all are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    Integers(Vec<i64>),
    Reals(Vec<f64>),
}

/// What is taken from the numbers of a column in double precision, before they become single: a network sees
/// `(number - by) 2^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    by: Center,
    #[serde(default, skip_serializing_if = "is_zero")]
    exponent: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Center {
    Integer(i64),
    Real(f64),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(exponent: &i32) -> bool {
    *exponent == 0
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(numbers) => numbers.len(),
            Self::Reals(numbers) => numbers.len(),
        }
    }

    pub(super) fn push(&mut self, number: Exact) {
        match (&mut *self, whole(number)) {
            (Self::Integers(numbers), Some(number)) => numbers.push(number),
            (Self::Integers(numbers), None) => {
                let mut reals: Vec<f64> = numbers.iter().map(|&number| number as f64).collect();
                reals.push(real(number));
                *self = Self::Reals(reals);
            }
            (Self::Reals(numbers), _) => numbers.push(real(number)),
        }
    }

    /// The shift without which single precision would lose the differences between rows; `None` if there is none. It
    /// does not depend on the order of the rows, of which there is at least one.
    pub(super) fn shift(&self, rows: &[u32]) -> Option<Shift> {
        let (by, range, largest) = match self {
            Self::Integers(numbers) => {
                let (mut sorted, middle) = (of_rows(numbers, rows), (rows.len() - 1) / 2);
                let (&least, &largest) = (sorted.iter().min()?, sorted.iter().max()?);
                let range = (i128::from(largest) - i128::from(least)) as f64;
                let median = *sorted.select_nth_unstable(middle).1;
                (Center::Integer(median), range, (least as f64).abs().max((largest as f64).abs()))
            }
            Self::Reals(numbers) => {
                let (mut sorted, middle) = (of_rows(numbers, rows), (rows.len() - 1) / 2);
                let (least, largest) =
                    (sorted.iter().copied().reduce(f64::min)?, sorted.iter().copied().reduce(f64::max)?);
                let median = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1;
                (Center::Real(median), (largest - least).min(f64::MAX), least.abs().max(largest.abs()))
            }
        };
        let is_far = range > 0.0 && largest > FAR_FROM_ZERO * range && self.is_rounded(rows);
        let by = if is_far { by } else { Center::Integer(0) };
        let spread = if is_far { range } else { largest };
        let exponent =
            if spread == 0.0 || MAGNITUDES.contains(&spread) { 0 } else { -spread.log2().floor() as i32 };
        (is_far || exponent != 0).then_some(Shift { by, exponent })
    }

    /// Whether single precision changes any of the numbers.
    fn is_rounded(&self, rows: &[u32]) -> bool {
        match self {
            Self::Integers(numbers) => {
                of_rows(numbers, rows).iter().any(|&number| (number as f32) as i128 != i128::from(number))
            }
            Self::Reals(numbers) => {
                of_rows(numbers, rows).iter().any(|&number| f64::from(number as f32) != number)
            }
        }
    }

    /// What a network sees of a row.
    pub(super) fn value(&self, row: usize, shift: Option<Shift>) -> f32 {
        match self {
            Self::Integers(numbers) => value(Exact::Integer(numbers[row].into()), shift),
            Self::Reals(numbers) => value(Exact::Real(numbers[row]), shift),
        }
    }

    /// The numbers of some rows, if all are integers.
    pub(super) fn as_integers(&self) -> Option<&[i64]> {
        match self {
            Self::Integers(numbers) => Some(numbers),
            Self::Reals(_) => None,
        }
    }

    /// Whether some rows, of which there is at least one, all hold one number.
    pub(super) fn is_constant(&self, rows: &[u32]) -> bool {
        fn all_equal<T: Copy + PartialEq>(numbers: &[T], rows: &[u32]) -> bool {
            rows.iter().all(|&row| numbers[row as usize] == numbers[rows[0] as usize])
        }
        match self {
            Self::Integers(numbers) => all_equal(numbers, rows),
            Self::Reals(numbers) => all_equal(numbers, rows),
        }
    }
}

fn of_rows<T: Copy>(numbers: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| numbers[row as usize]).collect()
}

/// The integer, if it is one that fits 64 bits. A negative zero is none.
fn whole(number: Exact) -> Option<i64> {
    match number {
        Exact::Integer(integer) => i64::try_from(integer).ok(),
        Exact::Real(real) => {
            let is_whole = real.fract() == 0.0 && real.abs() <= 2_f64.powi(53);
            (is_whole && !(real == 0.0 && real.is_sign_negative())).then_some(real as i64)
        }
    }
}

fn real(number: Exact) -> f64 {
    match number {
        Exact::Integer(integer) => integer as f64,
        Exact::Real(real) => real,
    }
}

/// What a network sees; infinite if single precision does not hold it.
pub(super) fn value(number: Exact, shift: Option<Shift>) -> f32 {
    let Some(Shift { by, exponent }) = shift else { return real(number) as f32 };
    let centered = match (by, whole(number)) {
        (Center::Integer(by), Some(integer)) => (i128::from(integer) - i128::from(by)) as f64,
        (Center::Integer(by), None) => real(number) - by as f64,
        (Center::Real(by), _) => real(number) - by,
    };
    scaled(centered, exponent) as f32
}

/// `number 2^exponent`, in two steps: a factor alone may be infinite where the result is not.
fn scaled(number: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    number * 2_f64.powi(half) * 2_f64.powi(exponent - half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(numbers: &[Exact]) -> (Option<Shift>, Vec<f32>) {
        let mut column = Numbers::Integers(vec![]);
        for &number in numbers {
            column.push(number);
        }
        let rows: Vec<u32> = (0..numbers.len() as u32).collect();
        let shift = column.shift(&rows);
        (shift, rows.iter().map(|&row| column.value(row as usize, shift)).collect())
    }

    proptest! {
        /// Wherever integers of 64 bits are, a network sees their differences exactly; the shift comes back from a file as
        /// it was.
        #[test]
        fn differences_of_integers_are_seen(start in -(1_i64 << 62)..1 << 62, steps in prop::collection::vec(0..2000_i64, 2..20)) {
            let numbers: Vec<Exact> = steps.iter().map(|step| Exact::Integer((start + step).into())).collect();
            let (shift, seen) = seen(&numbers);
            for (step, value) in steps.iter().zip(&seen) {
                prop_assert_eq!(f64::from(*value) - f64::from(seen[0]), (step - steps[0]) as f64, "{:?}", shift);
            }
            let read: Option<Shift> = serde_json::from_str(&serde_json::to_string(&shift).unwrap()).unwrap();
            prop_assert_eq!(read, shift);
        }

        /// Numbers that single precision holds are seen as they are.
        #[test]
        fn single_precision_stays(numbers in prop::collection::vec(-1e6_f32..1e6, 1..20)) {
            let exact: Vec<Exact> = numbers.iter().map(|&number| Exact::Real(number.into())).collect();
            prop_assert_eq!(seen(&exact), (None, numbers));
        }
    }

    /// Numbers that are too large or too small for single precision are scaled by a power of two.
    #[test]
    fn magnitudes() {
        for unit in [1e300, 1e-300] {
            let (shift, seen) = seen(&[1.0, 2.0, 4.0].map(|number| Exact::Real(number * unit)));
            assert!(shift.is_some());
            assert!(seen[0] > 0.1 && seen[2] < 10.0, "{seen:?}");
            assert!(
                (seen[1] / seen[0] - 2.0).abs() < 1e-6 && (seen[2] / seen[1] - 2.0).abs() < 1e-6,
                "{seen:?}"
            );
        }
    }
}
