//! The inner loops over rows, compiled for the vector instructions of the machine.
//!
//! Rows come in blocks of four, converted to double precision, so that each weight is loaded once for four
//! products. Sums run over eight lanes whatever the instruction set, and products are rounded before they are
//! added, so that every machine gets the same bits. Kernels are types, not closures: those are not compiled for
//! more than the least instruction set.

use pulp::{Arch, Simd, WithSimd};

/// Rows of a block.
pub(crate) const BLOCK: usize = 4;

const LANES: usize = 8;

/// Adds to `scores`, `[4, class]`, the products of `rows`, `[4, column]`, with `weights`, `[class, column]`.
pub(crate) fn add_scores(rows: &[f64], weights: &[f64], scores: &mut [f64]) {
    Arch::new().dispatch(AddScores { rows, weights, scores });
}

struct AddScores<'a> {
    rows: &'a [f64],
    weights: &'a [f64],
    scores: &'a mut [f64],
}

impl WithSimd for AddScores<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        add_scores_on(self.rows, self.weights, self.scores);
    }
}

#[inline(always)]
fn add_scores_on(rows: &[f64], weights: &[f64], scores: &mut [f64]) {
    let n_columns = rows.len() / BLOCK;
    let n_classes = scores.len() / BLOCK;
    let (a, b, c, d) = split(rows);
    for (class, w) in weights.chunks_exact(n_columns).enumerate() {
        let products = products(w, [a, b, c, d]);
        for (row, product) in products.into_iter().enumerate() {
            scores[row * n_classes + class] += product;
        }
    }
}

/// Adds to `gradient`, `[class, column]`, the products of `coefficients`, `[4, class]`, with `rows`, `[4, column]`.
pub(crate) fn add_gradient(rows: &[f64], coefficients: &[f64], gradient: &mut [f64]) {
    Arch::new().dispatch(AddGradient { rows, coefficients, gradient });
}

struct AddGradient<'a> {
    rows: &'a [f64],
    coefficients: &'a [f64],
    gradient: &'a mut [f64],
}

impl WithSimd for AddGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        add_gradient_on(self.rows, self.coefficients, self.gradient);
    }
}

#[inline(always)]
fn add_gradient_on(rows: &[f64], coefficients: &[f64], gradient: &mut [f64]) {
    let n_columns = rows.len() / BLOCK;
    let n_classes = coefficients.len() / BLOCK;
    let (a, b, c, d) = split(rows);
    for (class, g) in gradient.chunks_exact_mut(n_columns).enumerate() {
        let [ka, kb, kc, kd] = std::array::from_fn(|row| coefficients[row * n_classes + class]);
        for ((((g, a), b), c), d) in g.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *g += (ka * a + kb * b) + (kc * c + kd * d);
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
fn split(rows: &[f64]) -> (&[f64], &[f64], &[f64], &[f64]) {
    let (ab, cd) = rows.split_at(rows.len() / 2);
    let ((a, b), (c, d)) = (ab.split_at(ab.len() / 2), cd.split_at(cd.len() / 2));
    (a, b, c, d)
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
        let [a, b, c, d, e, f, g, h] = lanes[n];
        let sum = ((a + e) + (c + g)) + ((b + f) + (d + h));
        sum + w[whole..].iter().zip(&rows[n][whole..]).map(|(w, x)| w * x).sum::<f64>()
    })
}
