//! The weighted Gram matrix of the classes.

use pulp::{Simd, WithSimd};

use super::{Partial, sum_lanes};
use crate::Real;
use crate::simd::{LANES, registers};

/// The sums become `sum_j G_ij G_kj inverse_j^2` for `i > k`, row-major `[class, class]`; the others are
/// unspecified.
pub(crate) struct Gram<'a, T> {
    pub(crate) kernel: &'a [T],
    pub(crate) n_classes: usize,
    pub(crate) inverse: &'a [T],
    pub(crate) partial: &'a mut Partial<T>,
}

/// Classes of a tile that stays in registers: rows and columns.
const TILE: (usize, usize) = (4, 2);

impl<T: Real> WithSimd for Gram<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.n_classes;
        self.partial.sums.clear();
        self.partial.sums.resize(k * k, 0.0);
        let (kernel, inverse) = (T::vectors::<S>(self.kernel), T::vectors::<S>(self.inverse));
        let mut tile = [[[T::ZERO; LANES]; TILE.1]; TILE.0];
        for row in (0..k).step_by(TILE.0) {
            // A tile that reaches past the last class repeats it, and that part is not stored.
            let rows: [usize; TILE.0] = std::array::from_fn(|i| (row + i).min(k - 1));
            for column in (0..k.min(row + TILE.0)).step_by(TILE.1) {
                let columns: [usize; TILE.1] = std::array::from_fn(|i| (column + i).min(k - 1));
                gram_tile::<T, S>(simd, kernel, inverse, k, (rows, columns), &mut tile);
                for (i, tile) in rows.iter().zip(&tile) {
                    for (j, lanes) in columns.iter().zip(tile) {
                        if i > j {
                            self.partial.sums[i * k + j] = sum_lanes(lanes);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn gram_tile<T: Real, S: Simd>(
    simd: S,
    kernel: &[T::Vector<S>],
    inverse: &[T::Vector<S>],
    k: usize,
    (rows, columns): ([usize; TILE.0], [usize; TILE.1]),
    tile: &mut [[[T; LANES]; TILE.1]; TILE.0],
) {
    let width = registers::<T, S>();
    for register in 0..width {
        let mut sums = [[T::splat(simd, T::ZERO); TILE.1]; TILE.0];
        for (block, inverse) in kernel.chunks_exact(k * width).zip(inverse.chunks_exact(width)) {
            let inverse = inverse[register];
            let mut right = [inverse; TILE.1];
            for (right, &column) in right.iter_mut().zip(&columns) {
                *right = T::mul(simd, T::mul(simd, block[column * width + register], inverse), inverse);
            }
            for (sums, &row) in sums.iter_mut().zip(&rows) {
                let left = block[row * width + register];
                for (sum, &right) in sums.iter_mut().zip(&right) {
                    *sum = T::mul_add(simd, left, right, *sum);
                }
            }
        }
        for (sums, tile) in sums.iter().zip(tile.iter_mut()) {
            for (&sum, lanes) in sums.iter().zip(tile) {
                T::vectors_mut::<S>(lanes)[register] = sum;
            }
        }
    }
}
