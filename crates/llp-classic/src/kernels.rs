//! The inner loops over rows, compiled for the vector instructions of the machine.
//!
//! Rows come in blocks of eight. Their columns are converted to double precision a tile at a time, which stays in the
//! first cache together with the same columns of the weights, and a weight is loaded once for four products. Sums run over
//! eight lanes whatever the instruction set, and products are rounded before they are added, so that every machine
//! gets the same bits. Kernels are types, not closures: those are not compiled for more than the least instruction set.

use llp_ot::Real;
use pulp::{Arch, Simd, WithSimd};

/// Rows of a block.
pub(crate) const BLOCK: usize = 8;
/// Rows whose products are summed at the same time.
const QUAD: usize = 4;
/// Columns of a tile: a multiple of the lanes.
const TILE: usize = 128;

const LANES: usize = 8;

/// Sums before their lanes are added, `[class, row, lane]`.
pub(crate) type Lanes = Vec<[[f64; LANES]; BLOCK]>;

/// The columns of a tile in double precision, `[row, column]`.
type Tile = [[f64; TILE]; BLOCK];

#[inline(always)]
fn load<T: Real>(rows: &[&[T]; BLOCK], start: usize, width: usize, tile: &mut Tile) {
    for (out, row) in tile.iter_mut().zip(rows) {
        for (out, x) in out.iter_mut().zip(&row[start..start + width]) {
            *out = x.to_f64();
        }
    }
}

/// Adds to `scores`, `[row, class]`, the products of `rows` with `weights`, `[class, column]`. `lanes` is scratch memory.
pub(crate) fn add_scores<T: Real>(
    rows: &[&[T]; BLOCK],
    weights: &[f64],
    lanes: &mut Lanes,
    scores: &mut [f64],
) {
    Arch::new().dispatch(AddScores { rows, weights, lanes, scores });
}

struct AddScores<'a, T> {
    rows: &'a [&'a [T]; BLOCK],
    weights: &'a [f64],
    lanes: &'a mut Lanes,
    scores: &'a mut [f64],
}

impl<T: Real> WithSimd for AddScores<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (d, k) = (self.rows[0].len(), self.scores.len() / BLOCK);
        let whole = d - d % LANES;
        self.lanes.clear();
        self.lanes.resize(k, [[0.0; LANES]; BLOCK]);
        let mut tile = [[0.0; TILE]; BLOCK];
        for start in (0..whole).step_by(TILE) {
            let width = TILE.min(whole - start);
            load(self.rows, start, width, &mut tile);
            for (pair, lanes) in self.lanes.chunks_mut(2).enumerate() {
                let w = |class: usize| &self.weights[(2 * pair + class) * d + start..][..width];
                if lanes.len() == 2 {
                    add_products(simd, [w(0), w(1)], &tile, lanes);
                } else {
                    add_products(simd, [w(0)], &tile, lanes);
                }
            }
        }
        for (class, lanes) in self.lanes.iter().enumerate() {
            let w = &self.weights[class * d + whole..(class + 1) * d];
            for (row, (lanes, x)) in lanes.iter().zip(self.rows).enumerate() {
                let rest: f64 = w.iter().zip(&x[whole..]).map(|(w, x)| w * x.to_f64()).sum();
                self.scores[row * k + class] += sum_lanes(lanes) + rest;
            }
        }
    }
}

/// Adds the products of the weights of some classes with the columns of a tile to the lanes of each row, `[class, row,
/// lane]`.
#[inline(always)]
fn add_products<S: Simd, const N: usize>(
    simd: S,
    w: [&[f64]; N],
    tile: &Tile,
    lanes: &mut [[[f64; LANES]; BLOCK]],
) {
    let w: [&[S::f64s]; N] = std::array::from_fn(|class| S::as_simd_f64s(w[class]).0);
    let x: [&[S::f64s]; BLOCK] = std::array::from_fn(|row| S::as_simd_f64s(&tile[row]).0);
    let registers = S::as_simd_f64s(&[0.0; LANES]).0.len();
    let n = w[0].len();
    for first in (0..BLOCK).step_by(QUAD) {
        for register in 0..registers {
            let mut sums = [[simd.splat_f64s(0.0); QUAD]; N];
            for class in 0..N {
                for row in 0..QUAD {
                    sums[class][row] = S::as_simd_f64s(&lanes[class][first + row]).0[register];
                }
            }
            let x: [&[S::f64s]; QUAD] = std::array::from_fn(|row| &x[first + row][..n]);
            for at in (register..n).step_by(registers) {
                for row in 0..QUAD {
                    let x = x[row][at];
                    for class in 0..N {
                        sums[class][row] = simd.add_f64s(sums[class][row], simd.mul_f64s(w[class][at], x));
                    }
                }
            }
            for class in 0..N {
                for row in 0..QUAD {
                    S::as_mut_simd_f64s(&mut lanes[class][first + row]).0[register] = sums[class][row];
                }
            }
        }
    }
}

#[inline(always)]
fn sum_lanes([a, b, c, d, e, f, g, h]: &[f64; LANES]) -> f64 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Adds to `gradient`, `[class, column]`, the products of `coefficients`, `[row, class]`, with `rows`.
pub(crate) fn add_gradient<T: Real>(rows: &[&[T]; BLOCK], coefficients: &[f64], gradient: &mut [f64]) {
    Arch::new().dispatch(AddGradient { rows, coefficients, gradient });
}

struct AddGradient<'a, T> {
    rows: &'a [&'a [T]; BLOCK],
    coefficients: &'a [f64],
    gradient: &'a mut [f64],
}

impl<T: Real> WithSimd for AddGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (d, k) = (self.rows[0].len(), self.coefficients.len() / BLOCK);
        let mut tile = [[0.0; TILE]; BLOCK];
        for start in (0..d).step_by(TILE) {
            let width = TILE.min(d - start);
            load(self.rows, start, width, &mut tile);
            let factors = |class: usize| -> [f64; BLOCK] {
                std::array::from_fn(|row| self.coefficients[row * k + class])
            };
            for (pair, rows) in self.gradient.chunks_mut(2 * d).enumerate() {
                let (first, second) = rows.split_at_mut(d);
                let first = &mut first[start..start + width];
                if second.is_empty() {
                    add_columns(simd, [factors(2 * pair)], &tile, [first]);
                } else {
                    let second = &mut second[start..start + width];
                    add_columns(simd, [factors(2 * pair), factors(2 * pair + 1)], &tile, [first, second]);
                }
            }
        }
    }
}

/// Adds the rows of a tile times the factors of some classes, four rows at a time.
#[inline(always)]
fn add_columns<S: Simd, const N: usize>(
    simd: S,
    factors: [[f64; BLOCK]; N],
    tile: &Tile,
    gradients: [&mut [f64]; N],
) {
    let width = gradients[0].len();
    let x: [(&[S::f64s], &[f64]); BLOCK] = std::array::from_fn(|row| S::as_simd_f64s(&tile[row][..width]));
    let n = x[0].0.len();
    let [a, b, c, d, e, f, g, h] = x.map(|(x, _)| &x[..n]);
    for (gradient, factors) in gradients.into_iter().zip(factors) {
        let (out, tail) = S::as_mut_simd_f64s(gradient);
        let [ka, kb, kc, kd, ke, kf, kg, kh] = factors.map(|factor| simd.splat_f64s(factor));
        let sum = |k: [S::f64s; QUAD], x: [S::f64s; QUAD]| {
            let [p, q, r, s]: [S::f64s; QUAD] = std::array::from_fn(|at| simd.mul_f64s(k[at], x[at]));
            simd.add_f64s(simd.add_f64s(p, q), simd.add_f64s(r, s))
        };
        for (at, out) in out.iter_mut().enumerate() {
            let first = sum([ka, kb, kc, kd], [a[at], b[at], c[at], d[at]]);
            let second = sum([ke, kf, kg, kh], [e[at], f[at], g[at], h[at]]);
            *out = simd.add_f64s(simd.add_f64s(*out, first), second);
        }
        for (at, out) in tail.iter_mut().enumerate() {
            let sum = |first: usize| {
                let product = |row: usize| factors[first + row] * x[first + row].1[at];
                (product(0) + product(1)) + (product(2) + product(3))
            };
            *out = (*out + sum(0)) + sum(QUAD);
        }
    }
}

/// The inner product of two vectors of one length.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    Arch::new().dispatch(Product { x, y })
}

struct Product<'a> {
    x: &'a [f64],
    y: &'a [f64],
}

impl WithSimd for Product<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        products(self.x, [self.y])[0]
    }
}

/// Divides every value.
pub(crate) fn divide(values: &mut [f64], by: f64) {
    for value in values {
        *value /= by;
    }
}

/// Adds `factor` times `x` to `y`.
pub(crate) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

#[inline(always)]
fn products<const N: usize>(w: &[f64], rows: [&[f64]; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let whole = w.len() - w.len() % LANES;
    for start in (0..whole).step_by(LANES) {
        let w = &w[start..start + LANES];
        for (lanes, row) in lanes.iter_mut().zip(rows) {
            for ((lane, w), x) in lanes.iter_mut().zip(w).zip(&row[start..start + LANES]) {
                *lane += w * x;
            }
        }
    }
    std::array::from_fn(|n| {
        sum_lanes(&lanes[n]) + w[whole..].iter().zip(&rows[n][whole..]).map(|(w, x)| w * x).sum::<f64>()
    })
}
