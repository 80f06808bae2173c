//! A column of numbers as they are written, until networks see them in single precision.

use llp_data::DataError;
use llp_data::table::Exact;
use serde::{Deserialize, Serialize};

use super::words::{BLOCK_LEN, Storage, Words};

/// Where a column's numbers are this many times larger than their range, single precision would lose their differences.
const FAR_FROM_ZERO: f64 = 256.0;
/// Beyond these magnitudes, single precision has infinities and zeros.
const MAGNITUDES: std::ops::RangeInclusive<f64> = 1e-30..=1e37;

/// The numbers of a column, `[row]`: integers as long as all are.
#[derive(Debug)]
pub(super) struct Numbers {
    words: Words,      // the bits of integers first, then of numbers in double precision
    n_integers: usize, // before the first that is none
}

/// Numbers of some rows.
enum Typed {
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
    /// No number so far.
    pub(super) fn new(storage: &Storage) -> Self {
        Self { words: Words::new(storage), n_integers: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn push(&mut self, number: Exact) -> Result<(), DataError> {
        match whole(number) {
            Some(integer) if self.are_integers() => {
                self.n_integers += 1;
                self.words.push(integer as u64)
            }
            _ => self.words.push(real(number).to_bits()),
        }
    }

    fn are_integers(&self) -> bool {
        self.n_integers == self.words.len()
    }

    /// The numbers of some rows, which are ascending.
    fn of_rows(&self, rows: &[u32]) -> Result<Typed, DataError> {
        let words = self.words.of_rows(rows)?;
        if self.are_integers() {
            return Ok(Typed::Integers(words.into_iter().map(|word| word as i64).collect()));
        }
        let real = |(&row, word): (&u32, u64)| {
            if (row as usize) < self.n_integers { word as i64 as f64 } else { f64::from_bits(word) }
        };
        Ok(Typed::Reals(rows.iter().zip(words).map(real).collect()))
    }

    /// The shift without which single precision would lose the differences between rows; `None` if there is none. It
    /// does not depend on the order of the rows, of which there is at least one.
    ///
    /// # Errors
    /// The file that holds them cannot be read.
    pub(super) fn shift(&self, rows: &[u32]) -> Result<Option<Shift>, DataError> {
        Ok(self.of_rows(rows)?.shift())
    }

    /// What a network sees of some rows, which are ascending.
    ///
    /// # Errors
    /// The file that holds them cannot be read.
    pub(super) fn values(&self, rows: &[u32], shift: Option<Shift>) -> Result<Vec<f32>, DataError> {
        Ok(match self.of_rows(rows)? {
            Typed::Integers(numbers) => {
                numbers.into_iter().map(|number| value(Exact::Integer(number.into()), shift)).collect()
            }
            Typed::Reals(numbers) => {
                numbers.into_iter().map(|number| value(Exact::Real(number), shift)).collect()
            }
        })
    }

    /// Whether all are integers that count the rows.
    ///
    /// # Errors
    /// The file that holds them cannot be read.
    pub(super) fn count_rows(&self) -> Result<bool, DataError> {
        let mut expected = None;
        for first in (0..self.len()).step_by(BLOCK_LEN) {
            let rows: Vec<u32> = (first..self.len().min(first + BLOCK_LEN)).map(|row| row as u32).collect();
            let Typed::Integers(numbers) = self.of_rows(&rows)? else { return Ok(false) };
            for number in numbers.into_iter().map(i128::from) {
                if expected.is_some_and(|expected| expected != number) {
                    return Ok(false);
                }
                expected = Some(number + 1);
            }
        }
        Ok(true)
    }

    /// Whether some rows, which are ascending, all hold one number.
    ///
    /// # Errors
    /// The file that holds them cannot be read.
    pub(super) fn is_constant(&self, rows: &[u32]) -> Result<bool, DataError> {
        let first = self.of_rows(&rows[..rows.len().min(1)])?;
        for rows in rows.chunks(BLOCK_LEN) {
            let is_constant = match (&first, self.of_rows(rows)?) {
                (Typed::Integers(first), Typed::Integers(all)) => {
                    all.iter().all(|number| *number == first[0])
                }
                (Typed::Reals(first), Typed::Reals(all)) => all.iter().all(|number| *number == first[0]),
                _ => false,
            };
            if !is_constant {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Typed {
    fn shift(mut self) -> Option<Shift> {
        let (by, range, largest) = match &mut self {
            Self::Integers(numbers) => {
                let (&least, &largest) = (numbers.iter().min()?, numbers.iter().max()?);
                let range = (i128::from(largest) - i128::from(least)) as f64;
                let middle = (numbers.len() - 1) / 2;
                let median = *numbers.select_nth_unstable(middle).1;
                (Center::Integer(median), range, (least as f64).abs().max((largest as f64).abs()))
            }
            Self::Reals(numbers) => {
                let least = numbers.iter().copied().reduce(f64::min)?;
                let largest = numbers.iter().copied().reduce(f64::max)?;
                let middle = (numbers.len() - 1) / 2;
                let median = *numbers.select_nth_unstable_by(middle, f64::total_cmp).1;
                (Center::Real(median), (largest - least).min(f64::MAX), least.abs().max(largest.abs()))
            }
        };
        let is_far = range > 0.0 && largest > FAR_FROM_ZERO * range && self.is_rounded();
        let by = if is_far { by } else { Center::Integer(0) };
        let spread = if is_far { range } else { largest };
        let exponent =
            if spread == 0.0 || MAGNITUDES.contains(&spread) { 0 } else { -spread.log2().floor() as i32 };
        (is_far || exponent != 0).then_some(Shift { by, exponent })
    }

    /// Whether single precision changes any of them.
    fn is_rounded(&self) -> bool {
        match self {
            Self::Integers(numbers) => {
                numbers.iter().any(|&number| (number as f32) as i128 != i128::from(number))
            }
            Self::Reals(numbers) => numbers.iter().any(|&number| f64::from(number as f32) != number),
        }
    }
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
        let mut column = Numbers::new(&Storage::in_memory());
        for &number in numbers {
            column.push(number).unwrap();
        }
        let rows: Vec<u32> = (0..numbers.len() as u32).collect();
        let shift = column.shift(&rows).unwrap();
        (shift, column.values(&rows, shift).unwrap())
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
