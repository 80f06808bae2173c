//! Batch normalization over the rows of `[row, channel]`, followed by an activation.

use rayon::prelude::*;

use super::channels::Lanes;
use super::gelu;
use super::gradient_sums::{GradientRows, GradientSums};
use super::simd::{Level, dispatch, loops};
use crate::mode::Activation;

/// The map of one batch norm: `y = (x - mean) inverse_deviation gamma + beta`, plus a residual if there is one,
/// then the activation.
pub(crate) struct Normalization<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) inverse_deviation: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) activation: Activation,
}

/// The gradients of one batch norm's parameters.
pub(crate) struct ParameterGradients {
    pub(crate) gamma: Vec<f32>,
    pub(crate) beta: Vec<f32>,
}

/// The parameters repeated along a row of [`Lanes`].
struct Terms {
    mean: Vec<f32>,
    scale: Vec<f32>,
    beta: Vec<f32>,
    /// Results at or below become this.
    floor: f32,
}

impl Normalization<'_> {
    fn lanes(&self) -> Lanes {
        Lanes::new(self.mean.len())
    }

    fn terms(&self) -> Terms {
        let lanes = self.lanes();
        let scale: Vec<f32> = self.gamma.iter().zip(self.inverse_deviation).map(|(g, d)| g * d).collect();
        Terms {
            mean: lanes.repeat(self.mean),
            scale: lanes.repeat(&scale),
            beta: lanes.repeat(self.beta),
            floor: if self.is_relu() { 0.0 } else { f32::NEG_INFINITY },
        }
    }

    fn is_relu(&self) -> bool {
        self.activation == Activation::Relu
    }

    /// Writes `y`.
    pub(crate) fn forward(&self, x: &[f32], residual: Option<&[f32]>, y: &mut [f32]) {
        let (level, terms, chunk) = (Level::current(), &self.terms(), self.lanes().chunk_len());
        let pairs = y.par_chunks_mut(chunk).zip(x.par_chunks(chunk));
        match residual {
            None if self.activation == Activation::Gelu => {
                pairs.for_each(|(y, x)| dispatch(level, ForwardGelu { terms, x, y }));
            }
            None => pairs.for_each(|(y, x)| dispatch(level, Forward { terms, x, y })),
            Some(residual) => pairs.zip(residual.par_chunks(chunk)).for_each(|((y, x), residual)| {
                dispatch(level, ForwardResidual { terms, x, residual, y });
            }),
        }
    }

    /// Turns the gradient of `y` into that of `x`, in place.
    ///
    /// With `batch_statistics` the mean and the variance depend on `x`, else they are constants.
    pub(crate) fn backward(
        &self,
        x: &[f32],
        gradient: &mut [f32],
        batch_statistics: bool,
    ) -> ParameterGradients {
        let (level, terms, chunk) = (Level::current(), &self.terms(), self.lanes().chunk_len());
        let parts = x.par_chunks(chunk).zip(gradient.par_chunks_mut(chunk));
        let sums = parts.map(|(x, gradient)| {
            if self.activation == Activation::Gelu {
                dispatch(level, GeluGradient { terms, x, gradient });
            }
            self.sums_of(terms, x, gradient, self.is_relu())
        });
        let sums = Sums::in_order(sums.collect());
        let slopes = &self.slopes(&sums, x.len(), batch_statistics);
        gradient.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).for_each(|(gradient, x)| {
            dispatch(level, GatedInputGradient { terms, slopes, x, gradient });
        });
        self.parameter_gradients(&sums)
    }

    /// The same with a residual: `gradient`, that of `y`, becomes the residual's, and `x_gradient` is written.
    pub(crate) fn backward_residual(
        &self,
        (x, y): (&[f32], &[f32]),
        gradient: &mut [f32],
        x_gradient: &mut [f32],
        batch_statistics: bool,
    ) -> ParameterGradients {
        let (level, terms, chunk) = (Level::current(), &self.terms(), self.lanes().chunk_len());
        let parts = gradient.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).zip(y.par_chunks(chunk));
        let sums = parts.map(|((gradient, x), y)| {
            dispatch(level, Gate { terms, y, gradient });
            self.sums_of(terms, x, gradient, false)
        });
        let sums = Sums::in_order(sums.collect());
        let slopes = &self.slopes(&sums, x.len(), batch_statistics);
        let parts = gradient.par_chunks(chunk).zip(x.par_chunks(chunk)).zip(x_gradient.par_chunks_mut(chunk));
        parts.for_each(|((gradient, x), x_gradient)| {
            dispatch(level, InputGradient { terms, slopes, x, gradient, x_gradient });
        });
        self.parameter_gradients(&sums)
    }

    fn sums_of(&self, terms: &Terms, x: &[f32], gradient: &[f32], gated: bool) -> Sums {
        let lanes = self.lanes();
        let mut sums = [vec![0.0; lanes.width()], vec![0.0; lanes.width()]];
        let [plain, centered] = &mut sums;
        let rows = GradientRows { mean: &terms.mean, scale: &terms.scale, beta: &terms.beta, x, gradient };
        dispatch(Level::current(), GradientSums { rows, gated, plain, centered });
        Sums { plain: lanes.fold(&sums[0]), centered: lanes.fold(&sums[1]) }
    }

    fn parameter_gradients(&self, sums: &Sums) -> ParameterGradients {
        let gamma =
            sums.centered.iter().zip(self.inverse_deviation).map(|(sum, d)| (sum * f64::from(*d)) as f32);
        ParameterGradients {
            gamma: gamma.collect(),
            beta: sums.plain.iter().map(|sum| *sum as f32).collect(),
        }
    }

    fn slopes(&self, sums: &Sums, len: usize, batch_statistics: bool) -> Slopes {
        let channels = self.mean.len();
        let rows = (len / channels) as f64;
        let (mut shift, mut slope) = (vec![0.0; channels], vec![0.0; channels]);
        if batch_statistics {
            for c in 0..channels {
                let inverse_deviation = f64::from(self.inverse_deviation[c]);
                shift[c] = (sums.plain[c] / rows) as f32;
                slope[c] = (sums.centered[c] * inverse_deviation * inverse_deviation / rows) as f32;
            }
        }
        Slopes { shift: self.lanes().repeat(&shift), slope: self.lanes().repeat(&slope) }
    }
}

/// Per channel: the sum of the gradient that passes the ReLU, and its sum weighted by `x - mean`.
struct Sums {
    plain: Vec<f64>,
    centered: Vec<f64>,
}

impl Sums {
    fn in_order(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or(Self { plain: Vec::new(), centered: Vec::new() });
        for part in parts {
            total.plain.iter_mut().zip(part.plain).for_each(|(sum, part)| *sum += part);
            total.centered.iter_mut().zip(part.centered).for_each(|(sum, part)| *sum += part);
        }
        total
    }
}

/// The gradient of `x` is `scale (gradient - shift - (x - mean) slope)`.
struct Slopes {
    shift: Vec<f32>,
    slope: Vec<f32>,
}

impl Slopes {
    #[inline(always)]
    fn lanes(&self) -> impl Iterator<Item = (f32, f32)> {
        self.shift.iter().copied().zip(self.slope.iter().copied())
    }
}

/// One lane of [`Terms`].
#[derive(Clone, Copy)]
struct Affine {
    mean: f32,
    scale: f32,
    beta: f32,
}

impl Affine {
    /// The normalized value, before any residual.
    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        (x - self.mean) * self.scale + self.beta
    }
}

impl Terms {
    // The loops below zip slices, and do not index: without bounds checks they become vector instructions.
    #[inline(always)]
    fn lanes(&self) -> impl Iterator<Item = Affine> {
        let terms = self.mean.iter().zip(&self.scale).zip(&self.beta);
        terms.map(|((mean, scale), beta)| Affine { mean: *mean, scale: *scale, beta: *beta })
    }
}

loops!(Forward<'a> = forward(terms: &'a Terms, x: &'a [f32], y: &'a mut [f32]));
loops!(ForwardGelu<'a> = forward_gelu(terms: &'a Terms, x: &'a [f32], y: &'a mut [f32]));
loops!(ForwardResidual<'a> = forward_residual(
    terms: &'a Terms,
    x: &'a [f32],
    residual: &'a [f32],
    y: &'a mut [f32],
));
loops!(Gate<'a> = gate(terms: &'a Terms, y: &'a [f32], gradient: &'a mut [f32]));
loops!(GeluGradient<'a> = gelu_gradient(terms: &'a Terms, x: &'a [f32], gradient: &'a mut [f32]));
loops!(InputGradient<'a> = input_gradient(
    terms: &'a Terms,
    slopes: &'a Slopes,
    x: &'a [f32],
    gradient: &'a [f32],
    x_gradient: &'a mut [f32],
));
loops!(GatedInputGradient<'a> = gated_input_gradient(
    terms: &'a Terms,
    slopes: &'a Slopes,
    x: &'a [f32],
    gradient: &'a mut [f32],
));

/// Written so that NaN passes through: `max` would hide a diverged network.
#[inline(always)]
fn at_least(floor: f32, value: f32) -> f32 {
    if value <= floor { floor } else { value }
}

#[inline(always)]
fn forward(terms: &Terms, x: &[f32], y: &mut [f32]) {
    let width = terms.mean.len();
    for (y, x) in y.chunks_mut(width).zip(x.chunks(width)) {
        for ((y, x), affine) in y.iter_mut().zip(x).zip(terms.lanes()) {
            *y = at_least(terms.floor, affine.of(*x));
        }
    }
}

#[inline(always)]
fn forward_gelu(terms: &Terms, x: &[f32], y: &mut [f32]) {
    let width = terms.mean.len();
    for (y, x) in y.chunks_mut(width).zip(x.chunks(width)) {
        for ((y, x), affine) in y.iter_mut().zip(x).zip(terms.lanes()) {
            *y = gelu::value(affine.of(*x));
        }
    }
}

/// Turns the gradient of `gelu(y)` into that of `y`, which is computed again.
#[inline(always)]
fn gelu_gradient(terms: &Terms, x: &[f32], gradient: &mut [f32]) {
    let width = terms.mean.len();
    for (x, gradient) in x.chunks(width).zip(gradient.chunks_mut(width)) {
        for ((x, gradient), affine) in x.iter().zip(gradient).zip(terms.lanes()) {
            *gradient *= gelu::slope(affine.of(*x));
        }
    }
}

#[inline(always)]
fn forward_residual(terms: &Terms, x: &[f32], residual: &[f32], y: &mut [f32]) {
    let width = terms.mean.len();
    for ((y, x), residual) in y.chunks_mut(width).zip(x.chunks(width)).zip(residual.chunks(width)) {
        for (((y, x), residual), affine) in y.iter_mut().zip(x).zip(residual).zip(terms.lanes()) {
            *y = at_least(terms.floor, affine.of(*x) + residual);
        }
    }
}

/// Sets the gradient to zero where the ReLU was shut.
#[inline(always)]
fn gate(terms: &Terms, y: &[f32], gradient: &mut [f32]) {
    for (gradient, y) in gradient.iter_mut().zip(y) {
        *gradient = if *y <= terms.floor { 0.0 } else { *gradient };
    }
}

#[inline(always)]
fn input_gradient(terms: &Terms, slopes: &Slopes, x: &[f32], gradient: &[f32], x_gradient: &mut [f32]) {
    let width = terms.mean.len();
    for ((out, x), gradient) in x_gradient.chunks_mut(width).zip(x.chunks(width)).zip(gradient.chunks(width))
    {
        let inputs = out.iter_mut().zip(x).zip(gradient);
        for (((out, x), gradient), (affine, (shift, slope))) in inputs.zip(terms.lanes().zip(slopes.lanes()))
        {
            *out = affine.scale * (gradient - shift - (x - affine.mean) * slope);
        }
    }
}

/// [`input_gradient`] of the gradient that passes the ReLU, in place.
#[inline(always)]
fn gated_input_gradient(terms: &Terms, slopes: &Slopes, x: &[f32], gradient: &mut [f32]) {
    let width = terms.mean.len();
    for (x, gradient) in x.chunks(width).zip(gradient.chunks_mut(width)) {
        for ((x, gradient), (affine, (shift, slope))) in
            x.iter().zip(gradient).zip(terms.lanes().zip(slopes.lanes()))
        {
            let passed = if affine.of(*x) <= terms.floor { 0.0 } else { *gradient };
            *gradient = affine.scale * (passed - shift - (x - affine.mean) * slope);
        }
    }
}
