//! Derivatives through the normalization of each instance.

use pulp::{Simd, WithSimd};

use super::{Partial, column_start};
use crate::Real;
use crate::simd::registers;

/// Adds `u_c (v_c - sum_d u_d v_d)` to `out`, with `u` the coupling of an instance and `v = constant + matrix u`; the sums
/// become those over the instances, `[class]`.
pub(crate) struct ThroughSoftmax<'a, T> {
    pub(crate) kernel: &'a [T],
    /// `[block, lane]`.
    pub(crate) inverse: &'a [T],
    /// `[class]`.
    pub(crate) scale: &'a [T],
    /// `[class, class]`; empty for none.
    pub(crate) matrix: &'a [T],
    /// `[class]`.
    pub(crate) constant: &'a [T],
    /// Rows of a block of `out`, of which the first ones are the classes.
    pub(crate) n_rows: usize,
    /// `[block, row, lane]`.
    pub(crate) out: &'a mut [T],
    pub(crate) partial: &'a mut Partial<T>,
}

/// Columns whose products are taken together, so that each entry of the matrix is loaded once for all.
const COLUMNS: usize = 4;
/// Rows of the matrix that are taken together, so that each part of the coupling is loaded once for both.
const ROWS: usize = 2;

impl<T: Real> WithSimd for ThroughSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let k = self.scale.len();
        self.partial.clear_lanes(k);
        let zero = T::splat(simd, T::ZERO);
        let mut scratch = (vec![[zero; COLUMNS]; k], vec![[zero; COLUMNS]; k]);
        let n_columns = self.inverse.len() / crate::simd::LANES * registers::<T, S>();
        let n_grouped = n_columns / COLUMNS * COLUMNS;
        let pass = Pass {
            kernel: T::vectors::<S>(self.kernel),
            inverse: T::vectors::<S>(self.inverse),
            scale: self.scale,
            matrix: self.matrix,
            constant: self.constant,
            n_rows: self.n_rows,
        };
        let out = T::vectors_mut::<S>(self.out);
        let lanes = T::vectors_mut::<S>(&mut self.partial.lanes);
        for column in (0..n_grouped).step_by(COLUMNS) {
            pass.columns::<S, COLUMNS>(simd, column, &mut scratch, out, lanes);
        }
        for column in n_grouped..n_columns {
            pass.columns::<S, 1>(simd, column, &mut scratch, out, lanes);
        }
        self.partial.add_lanes();
    }
}

/// What all columns share.
struct Pass<'a, T, V> {
    kernel: &'a [V],
    inverse: &'a [V],
    scale: &'a [T],
    matrix: &'a [T],
    constant: &'a [T],
    n_rows: usize,
}

impl<T: Real, V> Pass<'_, T, V> {
    /// `N` columns from `first` on; `scratch` holds `u` and `v`, `[class, column]`.
    #[inline(always)]
    fn columns<S: Simd, const N: usize>(
        &self,
        simd: S,
        first: usize,
        (u, v): &mut (Vec<[V; COLUMNS]>, Vec<[V; COLUMNS]>),
        out: &mut [V],
        lanes: &mut [V],
    ) where
        T: crate::simd::Vectors<Vector<S> = V>,
        V: Copy,
    {
        let (k, width) = (self.scale.len(), registers::<T, S>());
        let starts: [usize; N] = std::array::from_fn(|n| column_start::<T, S>(first + n, k));
        for (c, (u, &scale)) in u.iter_mut().zip(self.scale).enumerate() {
            let scale = T::splat(simd, scale);
            for n in 0..N {
                u[n] = T::mul(
                    simd,
                    self.kernel[starts[n] + c * width],
                    T::mul(simd, scale, self.inverse[first + n]),
                );
            }
        }
        for (pair, (v, constants)) in v.chunks_mut(ROWS).zip(self.constant.chunks(ROWS)).enumerate() {
            // The row past the last class is the last once more, and not stored.
            let at = |row: usize| (pair * ROWS + row).min(k - 1);
            let mut sums: [[V; N]; ROWS] =
                std::array::from_fn(|row| [T::splat(simd, constants[row.min(constants.len() - 1)]); N]);
            if !self.matrix.is_empty() {
                let rows: [&[T]; ROWS] =
                    std::array::from_fn(|row| &self.matrix[at(row) * k..(at(row) + 1) * k]);
                for (d, u) in u.iter().enumerate() {
                    for (sums, row) in sums.iter_mut().zip(rows) {
                        let entry = T::splat(simd, row[d]);
                        for n in 0..N {
                            sums[n] = T::mul_add(simd, entry, u[n], sums[n]);
                        }
                    }
                }
            }
            for (v, sums) in v.iter_mut().zip(sums) {
                v[..N].copy_from_slice(&sums);
            }
        }
        let mut means = [T::splat(simd, T::ZERO); N];
        for (u, v) in u.iter().zip(v.iter()) {
            for n in 0..N {
                means[n] = T::mul_add(simd, u[n], v[n], means[n]);
            }
        }
        let out_starts: [usize; N] = std::array::from_fn(|n| column_start::<T, S>(first + n, self.n_rows));
        for (c, (u, v)) in u.iter().zip(v.iter()).enumerate() {
            for n in 0..N {
                let change = T::mul(simd, u[n], T::sub(simd, v[n], means[n]));
                let at = out_starts[n] + c * width;
                out[at] = T::add(simd, out[at], change);
                let lane = &mut lanes[c * width + (first + n) % width];
                *lane = T::add(simd, *lane, change);
            }
        }
    }
}
